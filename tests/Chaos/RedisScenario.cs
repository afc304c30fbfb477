namespace SmolCluster.Chaos;

/// <summary>Redis hangs for a while under load: answers are late or refused with a status to try again on, and none is wrong.</summary>
internal sealed class RedisScenario(ClusterProcesses cluster, IReadOnlyList<Question> questions, int clients)
{
    private static readonly TimeSpan Before = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Outage = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan After = TimeSpan.FromSeconds(10);

    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        var load = new Load(cluster, questions, clients);
        await load.DuringAsync(async () =>
        {
            await Task.Delay(Before, cancellation);
            cluster.Redis.Process.Signal(ServerProcess.Stop);
            await Task.Delay(Outage, cancellation);
            cluster.Redis.Process.Signal(ServerProcess.Continue);
            await Task.Delay(After, cancellation);
        }, cancellation);
        foreach (string silo in cluster.Silos)
            if (cluster[silo].HasExited)
            {
                Console.WriteLine($"{silo} did not outlive the outage");
                return 1;
            }
        return load.Report();
    }
}
