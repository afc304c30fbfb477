using System.Net.Http.Json;
using System.Text.Json;

namespace SmolCluster.Chaos;

/// <summary>Silos that differ: one multiplies with plain scalars, one alone has a second model, one joins late. /v1/models tells all
/// there is, questions go to who has their model, the late one takes new work at once, and all of them say the same.</summary>
internal sealed class UnevenScenario(ClusterProcesses cluster, IReadOnlyList<Question> questions)
{
    private const int Rounds = 6;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(60) };

    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        string scalar = cluster.AddSilo(new Dictionary<string, string> { ["SMOL_SIMD"] = "scalar" });
        string both = cluster.AddSilo(new Dictionary<string, string> { ["SmolCluster__Models__1__Path"] = "stub" });
        await cluster.ReadyAsync(cancellation);
        bool good = true;
        foreach (string gateway in cluster.Gateways)
            good &= Say(await ModelsAsync(gateway, cancellation) == "smolcluster-demo stub", $"{gateway} lists both models");
        var homes = await Task.WhenAll(Enumerable.Range(0, Rounds).Select(number => StubSiloAsync(number, cancellation)));
        good &= Say(homes.All(silo => silo == both), $"all {Rounds} questions to the stub went to {both}");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Soon);
        (bool same, int rounds) = await AskUntilAsync([scalar, both], limit.Token);
        good &= Say(same, $"{scalar} (SMOL_SIMD=scalar) and {both} gave the same answers as the first silo");
        string late = cluster.AddSilo();
        await cluster.ReadyAsync(cancellation);
        limit.CancelAfter(Soon);
        (same, rounds) = await AskUntilAsync([late], limit.Token);
        good &= Say(same, $"{late} joined and answered in round {rounds} of {questions.Count} questions each");
        return good ? 0 : 1;
    }

    /// <summary>Asks all questions at once, again and again, until all of these silos have answered some.</summary>
    private async Task<(bool Same, int Rounds)> AskUntilAsync(string[] silos, CancellationToken cancellation)
    {
        var client = new StreamClient(cluster);
        HashSet<string> missing = [.. silos];
        bool same = true;
        int rounds = 0;
        for (; missing.Count > 0; rounds++)
            await Task.WhenAll(questions.Select(async (question, number) =>
            {
                var progress = new Progress { Gateway = cluster.Gateways[number % cluster.Gateways.Count] };
                var delivery = await client.AskAsync(question, progress, static () => { }, cancellation);
                lock (missing)
                {
                    same &= delivery.Transcript == question.Expected;
                    missing.Remove(progress.Silo);
                }
            }));
        return (same, rounds);
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
