namespace SmolCluster.Chaos;

/// <summary>All silos and gateways end in the middle of answers, once in order and once by kill, and start again: clients get the
/// rest of their answers, and the next turns of a conversation are those of an undisturbed one.</summary>
internal sealed class RestartScenario(ClusterProcesses cluster, IReadOnlyList<Question> questions, int seed)
{
    private const int Clients = 6;
    private static readonly TimeSpan IntoTheAnswers = TimeSpan.FromSeconds(1);
    private static readonly int[] Signals = [ServerProcess.Terminate, ServerProcess.Kill];

    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        var kept = new NamedConversation("kept", seed);
        var expected = await UndisturbedAsync(kept, cancellation);
        var load = new Load(cluster, questions, Clients);
        int same = 0;
        await load.DuringAsync(async () =>
        {
            foreach (int signal in Signals)
            {
                await Task.Delay(IntoTheAnswers, cancellation);
                string[] nodes = [.. cluster.Silos, .. cluster.Gateways];
                foreach (string node in nodes)
                    cluster[node].Signal(signal);
                foreach (string node in nodes)
                    await cluster.RestartAsync(node, cancellation);
                await cluster.ReadyAsync(cancellation);
                Console.WriteLine($"all of the cluster ended with signal {signal} and started again");
                if (await GoesOnAsync(kept, expected.Dequeue(), cancellation))
                    same++;
            }
        }, cancellation);
        Console.WriteLine($"the conversation went on as if nothing had happened {same} times of {Signals.Length}");
        return same == Signals.Length ? load.Report() : 1;
    }

    /// <summary>The turns that follow the first one, in a conversation that is disturbed by nothing.</summary>
    private async Task<Queue<string>> UndisturbedAsync(NamedConversation kept, CancellationToken cancellation)
    {
        await using var client = await ClusterClient.ConnectAsync(cluster.ClientSettings, cancellation);
        var undisturbed = new NamedConversation("undisturbed", seed);
        if (await kept.NextTurnAsync(client, cancellation) != await undisturbed.NextTurnAsync(client, cancellation))
            throw new InvalidOperationException("Two equal questions got different answers.");
        var turns = new Queue<string>();
        foreach (int _ in Signals)
            turns.Enqueue(await undisturbed.NextTurnAsync(client, cancellation));
        return turns;
    }

    private async Task<bool> GoesOnAsync(NamedConversation kept, string expected, CancellationToken cancellation)
    {
        await using var client = await ClusterClient.ConnectAsync(cluster.ClientSettings, cancellation);
        if (!await kept.IsKeptAsync(client))
        {
            Console.WriteLine("  FAILED the conversation's last turn is lost");
            return false;
        }
        string turn = await kept.NextTurnAsync(client, cancellation);
        if (turn != expected)
            Console.WriteLine($"  FAILED the next turn is {turn}\n  expected {expected}");
        return turn == expected;
    }
}
