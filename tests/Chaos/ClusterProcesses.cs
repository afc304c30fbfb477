using System.Net;
using System.Net.Sockets;

namespace SmolCluster.Chaos;

/// <summary>Silos, gateways and a Redis as processes of their own, configured the way Aspire does it.</summary>
internal sealed class ClusterProcesses : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };

    private readonly string logFolder;
    private readonly bool keepLogs;
    private readonly string clusterId = $"chaos-{Guid.NewGuid():N}";
    private readonly Dictionary<string, (ServerProcess Process, int[] Ports)> nodes = [];

    public ClusterProcesses(string? logs)
    {
        keepLogs = logs is not null;
        logFolder = Directory.CreateDirectory(logs ?? Path.Combine(Path.GetTempPath(), clusterId)).FullName;
        Redis = new RedisServer(logFolder);
    }

    public RedisServer Redis { get; }

    public IReadOnlyList<string> Silos => [.. nodes.Keys.Where(name => name.StartsWith("silo", StringComparison.Ordinal)).Order()];

    public IReadOnlyList<string> Gateways => [.. nodes.Keys.Where(name => name.StartsWith("gateway", StringComparison.Ordinal)).Order()];

    public ServerProcess this[string name] => nodes[name].Process;

    public string Url(string name) => $"http://127.0.0.1:{nodes[name].Ports[0]}";

    public async Task StartAsync(int silos, int gateways, CancellationToken cancellation)
    {
        await Redis.StartAsync(cancellation);
        for (int number = 1; number <= silos; number++)
            Launch($"silo-{number}", [FreePort(), FreePort(), FreePort()]);
        for (int number = 1; number <= gateways; number++)
            Launch($"gateway-{number}", [FreePort()]);
        await ReadyAsync(cancellation);
    }

    /// <summary>Starts a node again that has ended, on the same ports.</summary>
    public async Task RestartAsync(string name, CancellationToken cancellation)
    {
        var (process, ports) = nodes[name];
        await process.ExitAsync(cancellation);
        await process.DisposeAsync();
        Launch(name, ports);
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
        foreach (var (process, _) in nodes.Values)
            await process.DisposeAsync();
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

    private async Task<bool> IsReadyAsync(string name, CancellationToken cancellation)
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

    private void Launch(string name, int[] ports)
    {
        bool isSilo = ports.Length > 1;
        var settings = new Dictionary<string, string>
        {
            ["Orleans__ClusterId"] = clusterId,
            ["Orleans__ServiceId"] = clusterId,
            ["Orleans__Clustering__ProviderType"] = "Redis",
            ["Orleans__Clustering__ServiceKey"] = "redis",
            ["ConnectionStrings__redis"] = Redis.Address,
            ["DOTNET_gcServer"] = "0",
        };
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
        string program = Path.Combine(AppContext.BaseDirectory, isSilo ? "SmolCluster.Silo.dll" : "SmolCluster.Gateway.dll");
        nodes[name] = (ServerProcess.Start(name, logFolder, "dotnet", [program, "--urls", $"http://127.0.0.1:{ports[0]}"], settings), ports);
    }
}
