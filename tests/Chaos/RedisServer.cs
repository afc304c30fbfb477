using System.Net.Sockets;

namespace SmolCluster.Chaos;

/// <summary>A Redis of our own on a free port, which keeps nothing on disk.</summary>
internal sealed class RedisServer(string logFolder) : IAsyncDisposable
{
    private const string Program = "redis-server";
    private readonly int port = ClusterProcesses.FreePort();
    private ServerProcess? process;

    public static string? Missing { get; } =
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, Program)))
            ? null : "This needs redis-server, which is not on this machine: apt-get install redis-server";

    public string Address => $"127.0.0.1:{port}";

    public ServerProcess Process => process ?? throw new InvalidOperationException("Redis was not started.");

    public async Task StartAsync(CancellationToken cancellation)
    {
        process = ServerProcess.Start("redis", logFolder, Program, ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            new Dictionary<string, string>());
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync("127.0.0.1", port, cancellation);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(50, cancellation);
            }
        }
    }

    public ValueTask DisposeAsync() => process?.DisposeAsync() ?? ValueTask.CompletedTask;
}
