namespace SmolCluster.Chaos;

/// <summary>All silos and gateways end in the middle of answers, once in order and once by kill, and start again: clients get the
/// rest of their answers.</summary>
internal sealed class RestartScenario(ClusterProcesses cluster, IReadOnlyList<Question> questions)
{
    private const int Clients = 6;
    private static readonly TimeSpan IntoTheAnswers = TimeSpan.FromSeconds(1);

    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        var load = new Load(cluster, questions, Clients);
        await load.DuringAsync(async () =>
        {
            foreach (int signal in new[] { ServerProcess.Terminate, ServerProcess.Kill })
            {
                await Task.Delay(IntoTheAnswers, cancellation);
                string[] nodes = [.. cluster.Silos, .. cluster.Gateways];
                foreach (string node in nodes)
                    cluster[node].Signal(signal);
                foreach (string node in nodes)
                    await cluster.RestartAsync(node, cancellation);
                await cluster.ReadyAsync(cancellation);
                Console.WriteLine($"all of the cluster ended with signal {signal} and started again");
            }
        }, cancellation);
        return load.Report();
    }
}
