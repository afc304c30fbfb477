using System.Net;
using System.Net.Sockets;

namespace SmolCluster.Chaos;

/// <summary>Silos, gateways and a Redis as processes of their own, configured the way Aspire does it.</summary>
internal sealed class ClusterProcesses : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    public static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };

    private readonly string logFolder;
    private readonly bool keepLogs;
    private readonly string clusterId = $"chaos-{Guid.NewGuid():N}";
    private readonly Dictionary<string, Node> nodes = [];

    /// <param name="Settings">Beside those that every node has, and in place of them.</param>
    private sealed record Node(ServerProcess Process, int[] Ports, IReadOnlyDictionary<string, string> Settings);

    public ClusterProcesses(string? logs)
    {
        keepLogs = logs is not null;
        logFolder = Directory.CreateDirectory(logs ?? Path.Combine(Path.GetTempPath(), clusterId)).FullName;
        Redis = new RedisServer(logFolder);
    }

    public RedisServer Redis { get; }

    /// <summary>Where the programs lie that nodes are started from, from now on.</summary>
    public string Programs { get; set; } = AppContext.BaseDirectory;

    public IReadOnlyList<string> Silos => [.. nodes.Keys.Where(name => name.StartsWith("silo", StringComparison.Ordinal)).Order()];

    public IReadOnlyList<string> Gateways => [.. nodes.Keys.Where(name => name.StartsWith("gateway", StringComparison.Ordinal)).Order()];

    public ServerProcess this[string name] => nodes[name].Process;

    public string Url(string name) => $"http://127.0.0.1:{nodes[name].Ports[0]}";

    /// <summary>What a client of the cluster's grains has to know, as variables.</summary>
    public IReadOnlyDictionary<string, string> ClientSettings => new Dictionary<string, string>
    {
        ["Orleans__ClusterId"] = clusterId,
        ["Orleans__ServiceId"] = clusterId,
        ["Orleans__Clustering__ProviderType"] = "Redis",
        ["Orleans__Clustering__ServiceKey"] = "redis",
        ["ConnectionStrings__redis"] = Redis.Address,
    };

    /// <summary>Where a silo takes connections of gateways.</summary>
    public int PortForGateways(string silo) => nodes[silo].Ports[2];

    /// <param name="settings">Of each silo.</param>
    /// <param name="gatewaySettings">Of each gateway.</param>
    public async Task StartAsync(int silos, int gateways, CancellationToken cancellation,
        IReadOnlyDictionary<string, string>? settings = null, IReadOnlyDictionary<string, string>? gatewaySettings = null)
    {
        await Redis.StartAsync(cancellation);
        for (int number = 1; number <= silos; number++)
            AddSilo(settings);
        for (int number = 1; number <= gateways; number++)
            AddGateway(gatewaySettings);
        await ReadyAsync(cancellation);
    }

    /// <summary>Starts one more silo, and does not wait for it.</summary>
    /// <param name="settings">Variables of its environment beside those that every silo has, and in place of them.</param>
    /// <returns>Its name.</returns>
    public string AddSilo(IReadOnlyDictionary<string, string>? settings = null) =>
        Launch($"silo-{Silos.Count + 1}", [FreePort(), FreePort(), FreePort()], settings ?? new Dictionary<string, string>());

    /// <summary>Starts one more gateway, and does not wait for it.</summary>
    public string AddGateway(IReadOnlyDictionary<string, string>? settings = null) =>
        Launch($"gateway-{Gateways.Count + 1}", [FreePort()], settings ?? new Dictionary<string, string>());

    /// <summary>What a node has written so far.</summary>
    public string Log(string name)
    {
        string path = Path.Combine(logFolder, name + ".log");
        if (!File.Exists(path))
            return "";
        using var log = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return log.ReadToEnd();
    }

    /// <summary>Of silos and gateways, since each was started.</summary>
    public TimeSpan ProcessorTime() => nodes.Values.Aggregate(TimeSpan.Zero, (sum, node) => sum + node.Process.ProcessorTime);

    /// <summary>Starts a node again that has ended, on the same ports.</summary>
    public async Task RestartAsync(string name, CancellationToken cancellation)
    {
        var (process, ports, settings) = nodes[name];
        await process.ExitAsync(cancellation);
        await process.DisposeAsync();
        Launch(name, ports, settings);
    }

    /// <summary>What a supervisor does: nodes that have ended without being told to (a silo that a busy machine kept from answering is
    /// declared dead by the others, and ends) are started again, and it is said.</summary>
    public async Task SuperviseAsync(CancellationToken cancellation)
    {
        foreach (string name in nodes.Where(node => node.Value.Process.HasExited).Select(node => node.Key).ToList())
        {
            Console.WriteLine($"  {name} had ended by itself ({this[name].ExitCode}) and is started again");
            await RestartAsync(name, cancellation);
        }
    }

    /// <summary>Every node says that it is ready, and every gateway that a model is.</summary>
    public async Task ReadyAsync(CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        foreach (string name in nodes.Keys.ToList())
            while (!await IsReadyAsync(name, limit.Token))
                await Task.Delay(100, limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in nodes.Values)
            await node.Process.DisposeAsync();
        await Redis.DisposeAsync();
        if (!keepLogs)
            Directory.Delete(logFolder, recursive: true);
    }

    public static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    public async Task<bool> IsReadyAsync(string name, CancellationToken cancellation)
    {
        try
        {
            using var response = await Http.GetAsync($"{Url(name)}/health/ready", cancellation);
            return response.IsSuccessStatusCode;
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            return nodes[name].Process.HasExited ? throw new InvalidOperationException($"{name} ended; its log is in {logFolder}.", failure) : false;
        }
    }

    private string Launch(string name, int[] ports, IReadOnlyDictionary<string, string> own)
    {
        bool isSilo = ports.Length > 1;
        var settings = new Dictionary<string, string>(ClientSettings) { ["DOTNET_gcServer"] = "0", ["OTEL_SERVICE_NAME"] = name };
        if (isSilo)
        {
            settings["Orleans__Name"] = name;
            settings["Orleans__GrainStorage__conversations__ProviderType"] = "Redis";
            settings["Orleans__GrainStorage__conversations__ServiceKey"] = "redis";
            settings["Orleans__Endpoints__SiloPort"] = $"{ports[1]}";
            settings["Orleans__Endpoints__GatewayPort"] = $"{ports[2]}";
            settings["SmolCluster__Models__0__Path"] = "demo";
            settings["SmolCluster__Threads"] = "1";
        }
        foreach (var (key, value) in own)
            settings[key] = value;
        string program = Path.Combine(Programs, isSilo ? "SmolCluster.Silo.dll" : "SmolCluster.Gateway.dll");
        nodes[name] = new(ServerProcess.Start(name, logFolder, "dotnet", [program, "--urls", $"http://127.0.0.1:{ports[0]}"], settings), ports, own);
        return name;
    }
}
