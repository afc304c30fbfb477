using System.Diagnostics;
using SmolCluster.Contracts;

namespace SmolCluster.Chaos;

/// <summary>Thousands of conversations that were asked once and wait: what a silo's memory holds of each while it is active, and
/// after it has gone to sleep; and what waking one costs beside computing its prompt again.</summary>
internal sealed class IdleScenario(ClusterProcesses cluster, int conversations)
{
    private const int AtOnce = 128;
    private const int Woken = 16;

    /// <summary>A cache of keys and values that holds few of the conversations that are woken, so that none is found there.</summary>
    public static IReadOnlyDictionary<string, string> Settings { get; } = new Dictionary<string, string>
    {
        ["SmolCluster__Models__0__Path"] = "stub",
        ["SmolCluster__Models__1__Path"] = "demo",
        ["SmolCluster__KvMemoryMiB"] = "4",
    };

    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        await using var client = await ClusterClient.ConnectAsync(cluster.ClientSettings, cancellation);
        await AskAllAsync(client, "warm", AtOnce * 4, cancellation);
        long before = await MemoryAsync(client, asleep: true, cancellation);
        await AskAllAsync(client, "idle", conversations, cancellation);
        long active = await MemoryAsync(client, asleep: false, cancellation);
        long asleep = await MemoryAsync(client, asleep: true, cancellation);
        Console.WriteLine($"{conversations} conversations: {(double)(active - before) / conversations:F0} bytes each while active, "
            + $"{(double)(asleep - before) / conversations:F0} asleep; the silo is resident with {cluster["silo-1"].Resident >> 20} MiB");
        return await WakeAsync(client, cancellation) ? 0 : 1;
    }

    private static async Task AskAllAsync(ClusterClient client, string name, int count, CancellationToken cancellation) =>
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            async (number, each) => await client.AskAsync($"{name}-{number}", Request("stub", $"Question {number}", 8), each));

    /// <summary>Bytes that the silo is resident with after a collection.</summary>
    /// <param name="asleep">Once every conversation is deactivated, as after some minutes of silence.</param>
    private async Task<long> MemoryAsync(ClusterClient client, bool asleep, CancellationToken cancellation)
    {
        if (asleep)
            await client.Management.ForceActivationCollection(TimeSpan.Zero, cancellation);
        SiloAddress[] silos = [.. (await client.Management.GetHosts(onlyActive: true, cancellation)).Keys];
        for (int again = 0; again < 2; again++) // what finalizers let go is collected by the next
            await client.Management.ForceGarbageCollection(silos, cancellation);
        return cluster["silo-1"].Resident;
    }

    /// <summary>Time to the first token: of conversations that slept, and of new ones with prompts as long.</summary>
    private static async Task<bool> WakeAsync(ClusterClient client, CancellationToken cancellation)
    {
        for (int number = 0; number < Woken; number++)
            await FirstTokenAsync(client, $"wake-{number}", number, cancellation);
        await client.Management.ForceActivationCollection(TimeSpan.Zero, cancellation);
        var woken = new List<First>();
        var begun = new List<First>();
        for (int number = 0; number < Woken; number++)
        {
            woken.Add(await FirstTokenAsync(client, $"wake-{number}", number, cancellation));
            begun.Add(await FirstTokenAsync(client, $"new-{number}", Woken + number, cancellation));
        }
        Console.WriteLine($"first token of a conversation that slept: {Median(woken):F1} ms, {woken.Max(one => one.Computed)} tokens computed; "
            + $"of a new one: {Median(begun):F1} ms, {begun.Max(one => one.Computed)} tokens");
        return woken.Max(one => one.Computed) == begun.Max(one => one.Computed);
    }

    private static async Task<First> FirstTokenAsync(ClusterClient client, string name, int number, CancellationToken cancellation)
    {
        var request = Request("smolcluster-demo", $"{number:D2} " + string.Concat(Enumerable.Repeat("what is a silo? ", 40)), 2);
        long start = Stopwatch.GetTimestamp();
        TimeSpan first = default;
        (int prompt, int cached) = (0, 0);
        await foreach (var happened in client.Conversation(name).Ask(request, cancellation))
        {
            if (happened is AnswerStarted started) prompt = started.PromptTokens;
            if (happened is PrefillStarted prefill) cached = prefill.CachedTokens;
            if (happened is TextDelta && first == default) first = Stopwatch.GetElapsedTime(start);
        }
        return new(first == default ? Stopwatch.GetElapsedTime(start) : first, prompt - cached);
    }

    private static double Median(List<First> times) => times.Select(one => one.After.TotalMilliseconds).Order().ElementAt(times.Count / 2);

    private static ChatRequest Request(string model, string question, int tokens) =>
        new(model, [new("user", question)], new SamplingSettings { Temperature = 0, Seed = 1 }, tokens, [], null, "chaos", Keep.Always, DateTimeOffset.UnixEpoch);

    /// <param name="Computed">Tokens of the prompt that were not found in the cache.</param>
    private sealed record First(TimeSpan After, int Computed);
}
