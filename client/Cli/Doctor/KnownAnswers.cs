namespace SmolCluster.Cli.Doctor;

/// <summary>A text, its ids, and the ids that follow when the likeliest token is always taken.</summary>
/// <param name="Continues">Null: only the ids are known.</param>
internal sealed record KnownAnswer(string Text, int[] Ids, int[]? Continues);

/// <summary>What programs that this project did not write say of the models people load here. SmolLM3's: ids by its own tokenizer,
/// the continuation by a third party's report on the published weights. The demo's: llama.cpp's.</summary>
internal static class KnownAnswers
{
    /// <summary>Published files by SHA-256.</summary>
    public static IReadOnlyDictionary<string, string> Published { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["519732558d5fa7420ab058e1b776dcfe73da78013c2fe59c7ca43c325ef89132"] = "HuggingFaceTB_SmolLM3-3B-Q4_K_M.gguf (bartowski's)",
    };

    public static IReadOnlyList<KnownAnswer> SmolLm3 { get; } =
    [
        new("The quick brown fox", [791, 4062, 14198, 39935], null),
        new("I'm testing SmolLM3.", [40, 2846, 7649, 4487, 337, 11237, 18, 13], null),
        new("The capital of France is", [791, 6864, 315, 9822, 374], [128002, 271, 128003, 198, 791, 6864, 315, 9822, 374, 12366, 13, 128012]),
    ];

    /// <summary>What the demo says to "Hello", as llama.cpp computes it (tests/data/demo-greedy.json has all of them).</summary>
    public const string DemoQuestion = "Hello";

    public const string DemoAnswer = "Hi! What would you like to talk about?";

    /// <summary>By vocabulary and shape, not by name: names are anyone's.</summary>
    public static bool IsSmolLm3(Engine.Models.ModelConfig config) => config is { Architecture: "smollm3", BlockCount: 36, EmbeddingLength: 2048, VocabularyLength: 128_256 };
}
