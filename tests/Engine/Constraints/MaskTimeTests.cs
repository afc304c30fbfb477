using System.Diagnostics;
using System.Text.Json.Nodes;
using SmolCluster.Engine.Sampling.Constraints;

namespace SmolCluster.Engine.Tests.Constraints;

/// <summary>What a token of a constrained answer waits for its mask, over Llama-3's 128k tokens and the schemas of <see cref="GoldenTests"/>,
/// each met for the first time; and how much of it the batch loop waits, and with it all other answers.</summary>
public sealed class MaskTimeTests(ITestOutputHelper output)
{
    [Fact]
    public void Masks_SchemasFromTheFieldOver128kTokens_AllowWhatFollowsAndTellTheirTimes()
    {
        Vocabularies vocabulary = Vocabularies.From(TestData.Shared("goldens/tokenizer/ggml-vocab-llama-bpe.gguf"));
        JsonArray cases = JsonNode.Parse(File.ReadAllText(TestData.Shared("goldens/json-schema/cases.json")))!.AsArray();
        List<double> loop = [];
        List<(double Time, string Where)> whole = [];
        foreach (JsonNode each in cases.Select(static each => each!))
        {
            if (TryCompile(vocabulary, each["schema"]!) is not { } constraint) continue;
            foreach (JsonNode test in each["tests"]!.AsArray().Select(static test => test!).Where(static test => (bool)test["valid"]!))
            {
                Walk(constraint, vocabulary, GoldenTests.TextOf(each["schema"]!, test["data"]), (string)each["name"]!, loop, whole);
            }
        }
        whole.Sort(static (a, b) => a.Time.CompareTo(b.Time));
        loop.Sort();
        output.WriteLine($"{whole.Count} masks over {vocabulary.Length} tokens, µs: from the asking median {whole[whole.Count / 2].Time:F1}, p99 {whole[whole.Count / 100 * 99].Time:F0}, "
            + $"most {whole[^1].Time:F0}; of it the batch loop waits median {At(loop, 0.5):F1}, p99 {At(loop, 0.99):F1}, p99.9 {At(loop, 0.999):F1}, most {loop[^1]:F0}");
        foreach ((double time, string where) in whole.TakeLast(12)) output.WriteLine($"{time / 1000:F1} ms: {where}");
        Assert.InRange(whole.Count, 20_000, int.MaxValue);
    }

    private static TokenConstraint? TryCompile(Vocabularies vocabulary, JsonNode schema)
    {
        try
        {
            return vocabulary.Compile(ConstraintKind.JsonSchema, schema.ToJsonString());
        }
        catch (ConstraintException)
        {
            return null;
        }
    }

    /// <summary>As the batch loop does it, one token a step.</summary>
    private static void Walk(TokenConstraint constraint, Vocabularies vocabulary, string text, string name, List<double> loop, List<(double, string)> whole)
    {
        int[] tokens = vocabulary.Encode(text);
        float[] logits = new float[vocabulary.Length];
        SemaphoreSlim made = new(0); // the last release may come when all is done
        ConstrainedAnswer answer = new(constraint, () => made.Release());
        for (int i = 0; i <= tokens.Length; i++)
        {
            long asked = Stopwatch.GetTimestamp();
            answer.Ask(tokens.AsSpan(0, i), 0);
            double waited = Stopwatch.GetElapsedTime(asked).TotalMicroseconds;
            long there = Stopwatch.GetTimestamp();
            while (!answer.TryApply(0, logits))
            {
                made.Wait(TestContext.Current.CancellationToken);
                there = Stopwatch.GetTimestamp();
            }
            double applied = Stopwatch.GetElapsedTime(there).TotalMicroseconds, time = Stopwatch.GetElapsedTime(asked).TotalMicroseconds;
            if (i < tokens.Length) Assert.False(float.IsNegativeInfinity(logits[tokens[i]]), $"{name}: token {i} of {text}");
            Array.Clear(logits);
            loop.Add(waited + applied);
            whole.Add((time, $"{name} after {i} tokens of {text[..Math.Min(text.Length, 60)]}"));
        }
    }

    private static double At(List<double> sorted, double share) => sorted[(int)((sorted.Count - 1) * share)];
}
