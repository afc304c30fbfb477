using System.Diagnostics;

namespace SmolCluster.Chaos;

internal enum Fault { KillSilo, DrainSilo, FreezeSilo, KillGateway }

/// <summary>Run by run: many clients read, the first of them reaches its moment, a token drawn from all of its answer, and its silo (or
/// gateway) is killed, drained or frozen. A run is one such fault in the middle of the first reader's answer; every answer that was on
/// its way through the victim is checked, and so are the others of the run. The victim starts again before the next one.</summary>
internal sealed class FaultScenario(ClusterProcesses cluster, IReadOnlyList<Question> questions, int seed, int clients)
{
    private static readonly TimeSpan DrainPatience = TimeSpan.FromSeconds(30);
    private static readonly Fault[] Faults = Enum.GetValues<Fault>();

    private readonly Random random = new(seed);
    private readonly StreamClient client = new(cluster);
    private readonly Dictionary<Fault, Tally> tallies = Faults.ToDictionary(fault => fault, _ => new Tally());
    private readonly Tally bystanders = new();
    private int done;

    public async Task<int> RunAsync(int runs, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        for (int round = 0; done < runs; round++)
        {
            await cluster.SuperviseAsync(cancellation);
            await cluster.ReadyAsync(cancellation);
            await RoundAsync(Faults[round % Faults.Length], cancellation);
        }
        return Report(Stopwatch.GetElapsedTime(start));
    }

    private int Report(TimeSpan time)
    {
        foreach (var (fault, tally) in tallies)
            Console.WriteLine($"{fault}: {tally.Line}; {Tally.Pauses([tally])}");
        Tally[] all = [.. tallies.Values, bystanders];
        Console.WriteLine($"bystanders: {bystanders.Line}; {Tally.Pauses([bystanders])}");
        Console.WriteLine($"{tallies.Values.Sum(tally => tally.Answers)} answers interrupted: {Tally.Pauses(tallies.Values)}; {time.TotalSeconds / done:F1} s a run");
        Console.WriteLine($"runs {done}, lost {all.Sum(tally => tally.Lost)}, repeated {all.Sum(tally => tally.Repeated)}, different {all.Sum(tally => tally.Different)}");
        return all.All(tally => tally.Clean) ? 0 : 1;
    }

    private async Task RoundAsync(Fault fault, CancellationToken cancellation)
    {
        var moment = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var longest = Long();
        int atChunk = 1 + random.Next(longest.Chunks - 1);
        var readers = Enumerable.Range(0, clients).Select(number => (
            Question: number == 0 ? longest : questions[random.Next(questions.Count)],
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
        Console.WriteLine($"run {done + 1}: {fault} {victim}, {hit.Count(one => one)} answers through it, first at chunk {at[0]} of {longest.Chunks}");
        cluster[victim].Signal(fault switch { Fault.DrainSilo => ServerProcess.Terminate, Fault.FreezeSilo => ServerProcess.Stop, _ => ServerProcess.Kill });
        var delivered = await Task.WhenAll(deliveries);
        for (int number = 0; number < clients; number++)
            (hit[number] ? tallies[fault] : bystanders).Add(readers[number].Question, delivered[number], $"{fault} {victim} at chunk {at[number]}");
        if (hit[0])
            done++; // else it was faster than the signal, and the run does not count
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
        Question[] longest = [.. questions.OrderByDescending(static question => question.Chunks).Take(Math.Max(1, questions.Count / 4))];
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
