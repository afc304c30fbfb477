using System.Net.Http.Json;
using System.Text.Json;

namespace SmolCluster.Chaos;

/// <summary>Silos that differ: one multiplies with plain scalars, one alone has a second model, one joins late. /v1/models tells all
/// there is, questions go to who has their model, the late one takes new work at once, and all of them say the same.</summary>
internal sealed class UnevenScenario(ClusterProcesses cluster, IReadOnlyList<Question> questions)
{
    private const int StubQuestions = 6;
    private const int MostRounds = 5;
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(60) };

    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        string scalar = cluster.AddSilo(new Dictionary<string, string> { ["SMOL_SIMD"] = "scalar" });
        string both = cluster.AddSilo(new Dictionary<string, string> { ["SmolCluster__Models__1__Path"] = "stub" });
        await cluster.ReadyAsync(cancellation);
        bool good = true;
        foreach (string gateway in cluster.Gateways)
            good &= Say(await ModelsAsync(gateway, cancellation) == "smolcluster-demo stub", $"{gateway} lists both models");
        var homes = await Task.WhenAll(Enumerable.Range(0, StubQuestions).Select(number => StubSiloAsync(number, cancellation)));
        good &= Say(homes.All(silo => silo == both), $"all {StubQuestions} questions to the stub went to {both}");
        var tally = new Tally();
        await AskUntilAsync([scalar, both], tally, cancellation);
        good &= Say(tally.Clean, $"{scalar} (SMOL_SIMD=scalar) and {both} gave the same answers as the first silo");
        string late = cluster.AddSilo();
        await cluster.ReadyAsync(cancellation);
        int rounds = await AskUntilAsync([late], tally, cancellation);
        good &= Say(tally.Clean, $"{late} joined and answered in round {rounds} of {questions.Count} questions at once");
        return good ? 0 : 1;
    }

    /// <summary>Asks all questions at once, again and again, until all of these silos have answered some.</summary>
    /// <returns>How many times.</returns>
    private async Task<int> AskUntilAsync(string[] silos, Tally tally, CancellationToken cancellation)
    {
        var client = new StreamClient(cluster);
        HashSet<string> missing = [.. silos];
        int rounds = 0;
        while (missing.Count > 0)
        {
            if (rounds++ == MostRounds)
                throw new InvalidOperationException($"{string.Join(" and ", missing)} got none of {MostRounds * questions.Count} questions.");
            await Task.WhenAll(questions.Select(async (question, number) =>
            {
                var progress = new Progress { Gateway = cluster.Gateways[number % cluster.Gateways.Count] };
                tally.Add(question, await client.AskAsync(question, progress, static () => { }, cancellation), $"by {progress.Silo}");
                lock (missing)
                    missing.Remove(progress.Silo);
            }));
        }
        return rounds;
    }

    private async Task<string> ModelsAsync(string gateway, CancellationToken cancellation)
    {
        var models = await Http.GetFromJsonAsync<JsonElement>($"{cluster.Url(gateway)}/v1/models", cancellation);
        return string.Join(' ', models.GetProperty("data").EnumerateArray().Select(static model => model.GetProperty("id").GetString()));
    }

    private async Task<string> StubSiloAsync(int number, CancellationToken cancellation)
    {
        using var response = await Http.PostAsJsonAsync($"{cluster.Url(cluster.Gateways[number % cluster.Gateways.Count])}/v1/chat/completions",
            new { model = "stub", max_tokens = 2, messages = (object[])[new { role = "user", content = $"{number}" }] }, cancellation);
        response.EnsureSuccessStatusCode();
        return response.Headers.GetValues("X-SmolCluster-Silo").Single();
    }

    private static bool Say(bool holds, string what)
    {
        Console.WriteLine(holds ? what : $"  FAILED: {what}");
        return holds;
    }
}
