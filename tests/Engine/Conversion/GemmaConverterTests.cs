using System.Text.Json.Nodes;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Text;

namespace SmolCluster.Engine.Tests.Conversion;

/// <summary>What folders of Gemma 2 and 3 have that others have not: config.json as transformers writes it, old and new, and a
/// SentencePiece vocabulary in tokenizer.json.</summary>
public sealed class GemmaConverterTests
{
    [Fact]
    public void Write_Gemma3_KeepsWindowsAndBothRopes()
    {
        ModelConfig old = Convert("tiny-gemma3", "gemma3_text", static config =>
        {
            config["rope_local_base_freq"] = 20_000;
            config["sliding_window_pattern"] = 3;
            config.Remove("tie_word_embeddings");
        });
        Assert.Equal((70, 3, 0f, 0f), (old.WindowLength, old.WindowInterval, old.AttentionCap, old.LogitCap));
        Assert.Equal((1e6, 8.0, 20_000.0, 1.0), (old.Rope.Base, old.Rope.Factor, old.WindowRope!.Base, old.WindowRope.Factor));
        ModelConfig renewed = Convert("tiny-gemma3", "gemma3_text", static config =>
        {
            config.Remove("rope_theta");
            config.Remove("rope_scaling");
            config["rope_parameters"] = JsonNode.Parse("""
                {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 20000.0}}
                """);
            config["layer_types"] = JsonNode.Parse("""
                ["sliding_attention", "sliding_attention", "full_attention", "sliding_attention", "sliding_attention", "full_attention", "sliding_attention"]
                """);
            config["_sliding_window_pattern"] = 3;
        });
        Assert.Equal(old, renewed);
    }

    [Fact]
    public void Write_Gemma2WithoutItsDefaults_IsAsItsFilesAre()
    {
        ModelConfig config = Convert("tiny-gemma2", "gemma2", static config =>
        {
            foreach (string key in (string[])["attn_logit_softcapping", "final_logit_softcapping", "sliding_window"])
                config.Remove(key);
        });
        Assert.Equal((4096, 2, 50f, 30f, null), (config.WindowLength, config.WindowInterval, config.AttentionCap, config.LogitCap, config.WindowRope));
    }

    [Theory]
    [InlineData("tiny-gemma2", "gemma2", "hidden_act", "\"silu\"", "gelu_pytorch_tanh")]
    [InlineData("tiny-gemma2", "gemma2", "hidden_activation", "\"gelu\"", "gelu_pytorch_tanh")]
    [InlineData("tiny-gemma2", "gemma2", "query_pre_attn_scalar", "144", "expected 64")]
    [InlineData("tiny-gemma2", "gemma2", "attn_logit_softcapping", "null", "expected a number")]
    [InlineData("tiny-gemma2", "gemma2", "sliding_window", "0", "expected 1 or more")]
    [InlineData("tiny-gemma3", "gemma3_text", "sliding_window_pattern", "0", "expected 1 or more")]
    [InlineData("tiny-gemma3", "gemma3_text", "layer_types", "[\"full_attention\"]", "every 6th of 7 layers")]
    [InlineData("tiny-gemma3", "gemma3_text", "use_bidirectional_attention", "true", "expected false")]
    [InlineData("tiny-gemma3", "gemma3_text", "attn_logit_softcapping", "50", "expected none")]
    [InlineData("tiny-gemma3", "gemma3_text", "rope_scaling", "{\"rope_type\":\"yarn\",\"factor\":4}", "expected none or linear")]
    [InlineData("tiny-gemma3", "gemma3_text", "model_type", "\"gemma3\"", "gemma3_text")]
    [InlineData("tiny-gemma3", "gemma3_text", "model_type", "\"gemma3n_text\"", "gemma3_text")]
    public void Write_OddConfig_NamesKeyAndExpected(string shape, string modelType, string key, string value, string expected)
    {
        Exception refusal = Assert.ThrowsAny<Exception>(() => Convert(shape, modelType, config => config[key] = JsonNode.Parse(value)));
        Assert.True(refusal is CheckpointException or GgufException, refusal.ToString());
        Assert.Contains(key == "hidden_act" ? "hidden_activation" : key == "rope_scaling" ? "rope.scaling.type" : key, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Scores are made of the order of merges: the ids stay those of the vocabulary that it was made of.</summary>
    [Fact]
    public void Write_SentencePieceTokenizer_EncodesAsItsSource()
    {
        using TemporaryFolder temporary = TestData.Temporary();
        string folder = Folder(temporary, "tiny-gemma3", "gemma3_text", static _ => { });
        using GgufFile source = GgufFile.Open(TestData.Path("tokenizer/spm.gguf"));
        new GgufWriter().AddAll(source.Metadata, static key => key != "tokenizer.ggml.add_space_prefix").Add("tokenizer.ggml.add_space_prefix", false).WriteFile(temporary.File("spm.gguf"));
        using GgufFile bare = GgufFile.Open(temporary.File("spm.gguf"));
        WriteTokenizer(folder, bare);
        HuggingFaceConverter.Write(folder, temporary.File("out.gguf"), new ConvertOptions());
        using GgufFile converted = GgufFile.Open(temporary.File("out.gguf"));
        Tokenizer expected = Tokenizer.From(bare), ours = Tokenizer.From(converted);
        foreach (string text in File.ReadAllText(TestData.Path("tokenizer/spm.gguf.inp")).Split("\n__ggml_vocab_test__\n"))
            Assert.Equal((text, string.Join(' ', expected.Encode(text))), (text, string.Join(' ', ours.Encode(text))));
        Assert.Equal(expected.Encode("<|user|>hello<s>the dog<tool>x", parseSpecial: true), ours.Encode("<|user|>hello<s>the dog<tool>x", parseSpecial: true));
        Assert.Equal(expected.BeginOfText, ours.BeginOfText);
    }

    private static ModelConfig Convert(string shape, string modelType, Action<JsonObject> change)
    {
        using TemporaryFolder temporary = TestData.Temporary();
        HuggingFaceConverter.Write(Folder(temporary, shape, modelType, change), temporary.File("out.gguf"), new ConvertOptions(Name: "x"));
        using GgufFile file = GgufFile.Open(temporary.File("out.gguf"));
        return ModelConfig.From(file);
    }

    private static string Folder(TemporaryFolder temporary, string shape, string modelType, Action<JsonObject> change)
    {
        string folder = HuggingFaceConverterTests.Folder(temporary, HuggingFaceConverterTests.Make(temporary, shape), modelType, 0, torch: false), path = Path.Combine(folder, "config.json");
        JsonObject config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(config);
        File.WriteAllText(path, config.ToJsonString());
        return folder;
    }

    // as Gemma's is: every pair of tokens that makes a token is a merge, the best scores first
    private static void WriteTokenizer(string folder, GgufFile source)
    {
        IReadOnlyList<string> tokens = source.Metadata.Texts("tokenizer.ggml.tokens");
        IReadOnlyList<long> types = source.Metadata.Integers("tokenizer.ggml.token_type");
        float[] scores = source.Metadata.Floats("tokenizer.ggml.scores");
        var normal = Enumerable.Range(0, tokens.Count).Where(id => types[id] == 1).ToDictionary(id => tokens[id], StringComparer.Ordinal);
        var merges = normal.OrderByDescending(pair => scores[pair.Value]).SelectMany(pair => Enumerable.Range(1, pair.Key.Length - 1).Select(at => (Left: pair.Key[..at], Right: pair.Key[at..])))
            .Where(pair => normal.ContainsKey(pair.Left) && normal.ContainsKey(pair.Right));
        var vocabulary = new JsonObject();
        var added = new JsonArray();
        for (int id = 0; id < tokens.Count; id++)
        {
            vocabulary[tokens[id]] = id;
            if (types[id] is 2 or 3 or 4)
                added.Add(new JsonObject { ["id"] = id, ["content"] = tokens[id], ["special"] = types[id] != 4 });
        }

        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), new JsonObject
        {
            ["added_tokens"] = added,
            ["normalizer"] = JsonNode.Parse("""{"type":"Replace","pattern":{"String":" "},"content":"▁"}"""),
            ["pre_tokenizer"] = JsonNode.Parse("""{"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious","invert":false}"""),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["unk_token"] = "<unk>",
                ["byte_fallback"] = true,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(static pair => (JsonNode)new JsonArray(pair.Left, pair.Right))]),
            },
        }.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"bos_token":"<s>","eos_token":"</s>"}""");
    }
}
