using System.Net;
using System.Net.Http.Json;

namespace SmolCluster.Chaos;

/// <summary>A model in two parts, on silos that allow 4 of its 7 MiB each. It answers as one silo with all of it did; then the silo with the
/// second part is killed in the midst of answers, and in the next round the one that answers: the model says what is missing, a
/// silo joins, and every answer goes on to the same end.</summary>
internal sealed class StagesScenario(ClusterProcesses cluster, IReadOnlyList<Question> questions)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly StreamClient client = new(cluster);
    private readonly Question longest = questions.MaxBy(static question => question.Chunks)!;
    private readonly HashSet<string> killed = [];

    /// <summary>Of each silo.</summary>
    public static IReadOnlyDictionary<string, string> Settings { get; } = new Dictionary<string, string>
    {
        ["SmolCluster__WeightMemoryMiB"] = "4",
        ["SmolCluster__KvMemoryMiB"] = "16",
    };

    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        var together = new Tally();
        var readers = Ask(together, "in two parts", cancellation);
        await Task.WhenAll(readers.Deliveries);
        Console.WriteLine($"two parts, nothing happens: {together.Line}, by {readers.First.Silo}");
        var second = await RoundAsync("the silo with the second part", static (answers, silos) => silos.First(silo => silo != answers), cancellation);
        var first = await RoundAsync("the silo that answers", static (answers, _) => answers, cancellation);
        Tally[] all = [together, second, first];
        Console.WriteLine($"stages: answers {all.Sum(static tally => tally.Answers)}, lost {all.Sum(static tally => tally.Lost)}, repeated {all.Sum(static tally => tally.Repeated)}, "
            + $"different {all.Sum(static tally => tally.Different)}; {Tally.Pauses([second, first])}");
        return all.All(static tally => tally.Clean) ? 0 : 1;
    }

    private async Task<Tally> RoundAsync(string whom, Func<string, IEnumerable<string>, string> choose, CancellationToken cancellation)
    {
        var tally = new Tally();
        var (progress, moment, deliveries) = Ask(tally, $"after {whom} was killed", cancellation);
        await moment.WaitAsync(Patience, cancellation);
        string victim = choose(progress.Silo, cluster.Silos.Where(silo => !killed.Contains(silo)));
        cluster[victim].Signal(ServerProcess.Kill);
        killed.Add(victim);
        Console.WriteLine($"{whom}, {victim}, killed at chunk {progress.Chunks} of {longest.Chunks}; asked now: {await RefusalAsync(cancellation)}");
        string late = cluster.AddSilo(Settings);
        await Task.WhenAll(deliveries);
        Console.WriteLine($"{late} joined: {tally.Line}; {Tally.Pauses([tally])}");
        return tally;
    }

    /// <summary>All questions at once.</summary>
    /// <returns>How the longest answer comes on, its middle, and the ends of all.</returns>
    private (Progress First, Task Middle, Task[] Deliveries) Ask(Tally tally, string what, CancellationToken cancellation)
    {
        var middle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var first = new Progress { Gateway = cluster.Gateways[0] };
        Task[] deliveries = [.. questions.Select(async (question, number) =>
        {
            var progress = question == longest ? first : new Progress { Gateway = cluster.Gateways[number % cluster.Gateways.Count] };
            tally.Add(question, await client.AskAsync(question, progress, Reached, cancellation), what);
        })];
        return (first, middle.Task, deliveries);

        void Reached()
        {
            if (first.Chunks >= longest.Chunks / 2)
                middle.TrySetResult();
        }
    }

    /// <summary>What a new question is told while a part is missing, as soon as that is known.</summary>
    private async Task<string> RefusalAsync(CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        while (true)
        {
            try
            {
                using var response = await ClusterProcesses.Http.PostAsJsonAsync($"{cluster.Url(cluster.Gateways[0])}/v1/chat/completions",
                    new { model = "smolcluster-demo", max_tokens = 2, messages = (object[])[new { role = "user", content = "Hello" }] }, limit.Token);
                string body = await response.Content.ReadAsStringAsync(limit.Token);
                if (response.StatusCode == HttpStatusCode.ServiceUnavailable && body.Contains("no silo has room", StringComparison.Ordinal))
                    return $"503, Retry-After {response.Headers.RetryAfter}, {body}";
            }
            catch (Exception slow) when (slow is HttpRequestException or TaskCanceledException && !limit.IsCancellationRequested)
            {
                // who is gone is not known to be yet
            }
            await Task.Delay(100, limit.Token);
        }
    }
}
