using System.Text.Json;
using System.Text.Json.Nodes;

namespace SmolCluster.Chaos;

/// <summary>A request, and what an undisturbed cluster answered.</summary>
/// <param name="Chunks">Of its stream.</param>
internal sealed record Question(JsonObject Body, Transcript? Expected, int Chunks);

/// <summary>What a client got of an answer.</summary>
/// <param name="Usage">Without cached tokens: they depend on who asked before.</param>
internal sealed record Transcript(string Text, string FinishReason, string Usage);

/// <summary>Questions whose answers are known: sampled hot, with stop strings, in several scripts.</summary>
internal static class QuestionPool
{
    private const int Count = 16;
    private const int LongestAnswer = 320;

    private static readonly string[] Words =
        ["What is a silo?", "Erzähl mir von Zürich und Köln.", "Résume l'histoire du café.", "写一首关于海的诗。", "Tell me a joke 🙂🚀.", "Что такое актор?"];

    public static async Task<IReadOnlyList<Question>> AskedAsync(ClusterProcesses cluster, int seed, CancellationToken cancellation)
    {
        var random = new Random(seed);
        var questions = Enumerable.Range(0, Count).Select(number => new Question(Body(random, number), null, 0)).ToList();
        var client = new StreamClient(cluster);
        return await Task.WhenAll(questions.Select(async question =>
        {
            var progress = new Progress { Gateway = cluster.Gateways[0] };
            var answer = await client.AskAsync(question, progress, static () => { }, cancellation);
            return question with { Chunks = progress.Chunks, Expected = answer.Transcript ?? throw new InvalidOperationException($"An undisturbed answer failed: {answer.Problem}") };
        }));
    }

    private static JsonObject Body(Random random, int number) => new()
    {
        ["model"] = "smolcluster-demo",
        ["stream"] = true,
        ["stream_options"] = new JsonObject { ["include_usage"] = true },
        ["temperature"] = 1 + random.NextDouble(),
        ["top_p"] = 1,
        ["seed"] = random.Next(),
        ["max_tokens"] = LongestAnswer - random.Next(60),
        ["stop"] = new JsonArray("zebra crossing", number % 4 == 0 ? " the" : "never said", "\n\n\n\n"),
        ["repetition_penalty"] = 1 + random.NextDouble() / 10,
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = Words[random.Next(Words.Length)] }),
    };

    public static string Comparable(JsonElement usage) =>
        $"{usage.GetProperty("prompt_tokens").GetInt32()}+{usage.GetProperty("completion_tokens").GetInt32()}";
}
