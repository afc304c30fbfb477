namespace SmolCluster.Chaos;

internal enum Fault { KillSilo, DrainSilo, FreezeSilo, KillGateway }

/// <summary>Round by round: many clients read, one of them reaches its moment, and its silo (or gateway) is killed, drained or
/// frozen. Every answer that was on its way through the victim counts as a run; the others of the round are checked as well.</summary>
internal sealed class FaultScenario(ClusterProcesses cluster, IReadOnlyList<Question> questions, int seed, int clients)
{
    private static readonly TimeSpan DrainPatience = TimeSpan.FromSeconds(30);

    private readonly Random random = new(seed);
    private readonly StreamClient client = new(cluster);
    private readonly Dictionary<Fault, Tally> tallies = Enum.GetValues<Fault>().ToDictionary(fault => fault, _ => new Tally());
    private readonly Tally all = new();
    private readonly Tally bystanders = new();

    public async Task<int> RunAsync(int runs, CancellationToken cancellation)
    {
        for (int round = 0; all.Runs < runs; round++)
        {
            await cluster.SuperviseAsync(cancellation);
            await cluster.ReadyAsync(cancellation);
            await RoundAsync((Fault)(round % tallies.Count), round, cancellation);
        }
        foreach (var (fault, tally) in tallies)
            Console.WriteLine($"{fault}: {tally.Line}; {tally.Pauses()}");
        Console.WriteLine($"bystanders: {bystanders.Line}; {bystanders.Pauses()}");
        Console.WriteLine($"all: {all.Pauses()}");
        Console.WriteLine(all.Line);
        return all.Clean && bystanders.Clean ? 0 : 1;
    }

    private async Task RoundAsync(Fault fault, int round, CancellationToken cancellation)
    {
        var moment = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int atChunk = 2 + random.Next(60);
        var readers = Enumerable.Range(0, clients).Select(number => (
            Question: number == 0 ? Long() : questions[random.Next(questions.Count)],
            Progress: new Progress { Gateway = cluster.Gateways[number % cluster.Gateways.Count] },
            Delay: number == 0 ? 0 : random.Next(400))).ToArray();
        var deliveries = readers.Select(async (reader, number) =>
        {
            await Task.Delay(reader.Delay, cancellation);
            var delivery = await client.AskAsync(reader.Question, reader.Progress, () => Reached(number), cancellation);
            if (number == 0)
                moment.TrySetResult();
            return delivery;
        }).ToArray();

        await moment.Task.WaitAsync(cancellation);
        string victim = Victim(fault, readers[0].Progress);
        bool[] hit = [.. readers.Select(reader => reader.Progress is { Ended: false, Chunks: > 0 } at && (at.Silo == victim || at.Gateway == victim))];
        int[] at = [.. readers.Select(reader => reader.Progress.Chunks)];
        Console.WriteLine($"round {round}: {fault} {victim}, {hit.Count(one => one)} answers through it, first at chunk {at[0]}");
        cluster[victim].Signal(fault switch { Fault.DrainSilo => ServerProcess.Terminate, Fault.FreezeSilo => ServerProcess.Stop, _ => ServerProcess.Kill });
        var delivered = await Task.WhenAll(deliveries);
        for (int number = 0; number < clients; number++)
            foreach (var tally in hit[number] ? new[] { all, tallies[fault] } : [bystanders])
                tally.Add(readers[number].Question, delivered[number], $"{fault} {victim} at chunk {at[number]}");
        await RecoverAsync(fault, victim, cancellation);

        void Reached(int number)
        {
            if (number == 0 && readers[0].Progress.Chunks >= atChunk)
                moment.TrySetResult();
        }
    }

    /// <summary>One of the longest, so that it has a middle.</summary>
    private Question Long()
    {
        Question[] longest = [.. questions.OrderByDescending(static question => question.Expected!.Text.Length).Take(Math.Max(1, questions.Count / 4))];
        return longest[random.Next(longest.Length)];
    }

    private string Victim(Fault fault, Progress first) => fault == Fault.KillGateway ? first.Gateway
        : first.Silo.Length > 0 ? first.Silo : cluster.Silos[random.Next(cluster.Silos.Count)];

    private async Task RecoverAsync(Fault fault, string victim, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(DrainPatience);
        if (fault == Fault.FreezeSilo)
        {
            // wakes, finds that the others have declared it dead, and ends by itself
            cluster[victim].Signal(ServerProcess.Continue);
            try
            {
                await cluster[victim].ExitAsync(limit.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                Console.WriteLine($"  {victim} lives on after its freeze");
                return;
            }
        }
        else
            await cluster[victim].ExitAsync(limit.Token);
        if (fault == Fault.DrainSilo && cluster[victim].ExitCode != 0)
            throw new InvalidOperationException($"{victim} ended its drain with {cluster[victim].ExitCode}.");
        await cluster.RestartAsync(victim, cancellation);
    }
}
