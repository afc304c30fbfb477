using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Tests.Gguf;

/// <summary>Well-formed files that are no model this engine can run faithfully.</summary>
public sealed class ModelConfigHostileTests
{
    private static ModelConfig Read(byte[] bytes)
    {
        using var folder = TestData.Temporary();
        string path = folder.File("model.gguf");
        File.WriteAllBytes(path, bytes);
        using var file = GgufFile.Open(path);
        return ModelConfig.From(file);
    }

    private static void Refuses(byte[] bytes, params string[] parts)
    {
        var error = Assert.Throws<GgufException>(() => Read(bytes));
        foreach (string part in parts.Append("model.gguf: "))
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    private static void RefusesKey(string suffix, object? value, params string[] parts) =>
        Refuses(GgufBytes.Model(change: new() { ["llama." + suffix] = value }), parts);

    [Fact]
    public void From_LlamaWithoutOptionalKeys_TakesDefaults()
    {
        var config = Read(GgufBytes.Model(change: new() { ["general.name"] = null }));
        Assert.Equal(("llama", "model", 20, 8, 0), (config.Architecture, config.Name, config.VocabularyLength, config.HeadLength,
            config.NoRopeInterval));
        Assert.Equal(new RopeConfig(8, 10_000, RopeScaling.None, 1, 128, 0, 1, 32, 1), config.Rope);
        Assert.True(config.AppliesRope(3));
    }

    [Fact]
    public void From_Smollm3_SkipsRopeEveryFourthBlock()
    {
        var config = Read(GgufBytes.Model("smollm3"));
        Assert.Equal([true, true, true, false], Enumerable.Range(0, 4).Select(config.AppliesRope));
    }

    [Fact]
    public void From_Yarn_ReadsScaling()
    {
        var rope = Read(GgufBytes.Model(change: new()
        {
            ["llama.rope.scaling.type"] = "yarn",
            ["llama.rope.scaling.factor"] = 2f,
            ["llama.rope.scaling.original_context_length"] = 64u,
        })).Rope;
        Assert.Equal(new RopeConfig(8, 10_000, RopeScaling.Yarn, 2, 64, 1, 1, 32, 1), rope);
    }

    [Fact]
    public void From_OldLinearKey_ScalesLinearly() =>
        Assert.Equal((RopeScaling.Linear, 4.0), Read(GgufBytes.Model(change: new() { ["llama.rope.scale_linear"] = 4f })).Rope is var r
            ? (r.Scaling, r.Factor) : default);

    [Fact]
    public void From_MissingKey_NamesKeyArchitectureAndKeysThere() =>
        RefusesKey("attention.head_count", null, "architecture 'llama'", "'llama.attention.head_count' (query heads) is missing",
            "an integer from 1 to 1024", "llama.attention.head_count_kv", "general.name");

    [Fact]
    public void From_KeysOfAnotherArchitecture_ListsThem() =>
        Refuses(GgufBytes.Model("llama", new() { ["general.architecture"] = "smollm3" }), "'smollm3.embedding_length'", "under "
            + "'smollm3.': none", "llama.block_count");

    [Fact]
    public void From_UnknownArchitecture_NamesTheSupported() => Refuses(GgufBytes.Model("mamba"), "\"mamba\"", "smollm3, llama, qwen2, qwen3, phi3, gemma2, gemma3");

    [Fact]
    public void From_NoArchitecture_SaysSo() =>
        Refuses(GgufBytes.Model(change: new() { ["general.architecture"] = null }), "'general.architecture' is missing");

    [Theory]
    [InlineData("block_count", 0u), InlineData("block_count", 1025u), InlineData("context_length", 0u), InlineData("embedding_length",
        1u << 17)]
    [InlineData("attention.head_count", 0u), InlineData("feed_forward_length", uint.MaxValue), InlineData("attention.key_length", 1024u)]
    [InlineData("attention.layer_norm_rms_epsilon", 0f), InlineData("attention.layer_norm_rms_epsilon", float.NaN)]
    [InlineData("rope.freq_base", -1f), InlineData("rope.freq_base", float.PositiveInfinity), InlineData("rope.scaling.factor", 0.5f)]
    public void From_OutOfRange_NamesKeyAndRange(string suffix, object value) =>
        RefusesKey(suffix, value, $"'llama.{suffix}'", "expected ", " from ");

    [Fact]
    public void From_IntegerGivenAsText_NamesBothTypes() =>
        RefusesKey("block_count", "2", "'llama.block_count'", "a String \"2\"", "an integer from 1 to 1024");

    [Fact]
    public void From_KeyPerLayer_SaysItIsAnArray() =>
        RefusesKey("attention.head_count_kv", new uint[] { 2, 2 }, "'llama.attention.head_count_kv'", "an array of UInt32", "an integer");

    [Fact]
    public void From_HeadsThatDoNotDivide_Refuses() => RefusesKey("attention.head_count_kv", 3u, "4 query heads", "3 key/value heads");

    [Fact]
    public void From_EmbeddingNoMultipleOfHeads_Refuses() => RefusesKey("attention.head_count", 6u, "embedding length 32", "6 heads");

    [Fact]
    public void From_OddHeadLength_Refuses() => RefusesKey("attention.key_length", 7u, "head length is 7", "even");

    [Fact]
    public void From_UnequalValueLength_Refuses() => RefusesKey("attention.value_length", 16u, "length 16", "length 8");

    [Theory, InlineData(10u), InlineData(3u)]
    public void From_OddRopeDimensions_Refuses(uint dimensions) =>
        RefusesKey("rope.dimension_count", dimensions, "'llama.rope.dimension_count'", "even");

    [Fact]
    public void From_UnknownScaling_NamesTheKnown() => RefusesKey("rope.scaling.type", "longrope", "\"longrope\"", "none, linear and yarn");

    [Fact]
    public void From_VocabularyLengthsThatDiffer_Refuses() =>
        RefusesKey("vocab_size", 21u, "'llama.vocab_size' is 21", "tokenizer.ggml.tokens is 20");

    [Fact]
    public void From_Experts_Refuses() => RefusesKey("expert_count", 8u, "'llama.expert_count' is 8", "dense");

    [Theory, InlineData("attn_logit_softcapping", 50f), InlineData("final_logit_softcapping", 30f), InlineData("attention.sliding_window", 16u)]
    public void From_GemmasKeysInAnother_AreNotIgnored(string suffix, object value) =>
        RefusesKey(suffix, value, $"'llama.{suffix}' is", "expected none", "llama");

    [Theory, InlineData("gemma3n"), InlineData("gemma"), InlineData("gemma4")]
    public void From_OtherGemma_IsRefusedByName(string architecture) => Refuses(GgufBytes.Model(architecture), $"\"{architecture}\"", "gemma2, gemma3");

    [Theory]
    [InlineData("gemma2", "attention.sliding_window", "16", "a String", "an integer from 0")]
    [InlineData("gemma2", "attention.sliding_window", -1, "is -1", "an integer from 0")]
    [InlineData("gemma2", "attention.sliding_window_pattern", 0u, "is 0", "an integer from 1 to 1024")]
    [InlineData("gemma2", "attn_logit_softcapping", 0f, "is 0", "a number from 0.001")]
    [InlineData("gemma2", "attn_logit_softcapping", float.NaN, "is NaN", "a number from 0.001")]
    [InlineData("gemma2", "final_logit_softcapping", -30f, "is -30", "a number from 0")]
    [InlineData("gemma3", "attn_logit_softcapping", 50f, "is 50", "expected none")]
    [InlineData("gemma3", "final_logit_softcapping", float.PositiveInfinity, "a number from 0")]
    [InlineData("gemma3", "rope.freq_base_swa", 0f, "is 0", "a number from 2")]
    [InlineData("gemma3", "attention.scale", 0.5f, "is 0.5", "expected none")]
    [InlineData("gemma3", "rope.scaling.type", "yarn", "is yarn", "expected none or linear")]
    public void From_OddGemmaKey_NamesKeyAndExpected(string architecture, string suffix, object value, params string[] parts) =>
        Refuses(GgufBytes.Gemma(architecture, new() { [$"{architecture}.{suffix}"] = value }), [$"'{architecture}.{suffix}'", .. parts]);

    [Fact]
    public void From_GemmaWindowByLayer_SaysItIsAnArray() => Refuses(
        GgufBytes.Gemma("gemma3", new() { ["gemma3.attention.sliding_window_pattern"] = new[] { true, false } }), "'gemma3.attention.sliding_window_pattern'", "an array of Bool");

    [Fact]
    public void From_GemmaTensors_AreAllAskedFor()
    {
        Refuses(GgufBytes.Gemma("gemma2", tensors: new() { ["blk.1.post_ffw_norm.weight"] = null }), "'blk.1.post_ffw_norm.weight' is missing", "[32]");
        Refuses(GgufBytes.Gemma("gemma3", tensors: new() { ["blk.0.post_attention_norm.weight"] = [31] }), "'blk.0.post_attention_norm.weight'", "[31]");
        Refuses(GgufBytes.Gemma("gemma3", tensors: new() { ["rope_freqs.weight"] = [4] }), "rope_freqs.weight", "no place");
        Refuses(GgufBytes.Gemma("gemma3", tensors: new() { ["v.patch_embd.weight"] = [4, 4] }), "v.patch_embd.weight", "no place");
    }

    [Fact]
    public void From_Gemma2WithoutOptionalKeys_TakesDefaults()
    {
        ModelConfig config = Read(GgufBytes.Gemma("gemma2"));
        Assert.Equal((50, 30, 4096, MathF.Sqrt(32), 8, null), (config.AttentionCap, config.LogitCap, config.WindowLength, config.EmbeddingScale, config.QueryScaleLength, config.WindowRope));
        Assert.Equal([true, false, true, false], Enumerable.Range(0, 4).Select(config.HasWindow));
        Assert.True(config is { NormalizesOutputs: true, GatesByGelu: true, NormalizesHeads: false, Rope.Pairs: RopePairs.Halves });
    }

    [Fact]
    public void From_Gemma3_TurnsWindowedLayersByTheirOwnBase()
    {
        ModelConfig config = Read(GgufBytes.Gemma("gemma3", new()
        {
            ["gemma3.attention.sliding_window"] = 16u,
            ["gemma3.rope.freq_base"] = 1e6f,
            ["gemma3.rope.scaling.type"] = "linear",
            ["gemma3.rope.scaling.factor"] = 8f,
        }));
        Assert.Equal((0, 0, 16), (config.AttentionCap, config.LogitCap, config.WindowLength));
        Assert.Equal([true, true, true, true, true, false, true], Enumerable.Range(0, 7).Select(config.HasWindow));
        Assert.Equal((1e6, RopeScaling.Linear, 8.0), (config.Rope.Base, config.Rope.Scaling, config.Rope.Factor));
        Assert.Equal((10_000.0, RopeScaling.None, 1.0), (config.WindowRope!.Base, config.WindowRope.Scaling, config.WindowRope.Factor));
    }

    [Fact]
    public void From_Gemma3WithoutWindow_HasOneKindOfLayer()
    {
        ModelConfig config = Read(GgufBytes.Gemma("gemma3", new() { ["gemma3.final_logit_softcapping"] = 30f }));
        Assert.Equal((0, 30, null), (config.WindowLength, config.LogitCap, config.WindowRope));
        Assert.DoesNotContain(true, Enumerable.Range(0, 12).Select(config.HasWindow));
    }

    [Theory, InlineData("gemma2", 46u), InlineData("gemma3", 62u)]
    public void Mapping_LargestGemma_DividesScoresByAnotherLength(string architecture, uint blocks)
    {
        using var folder = TestData.Temporary();
        File.WriteAllBytes(folder.File("m.gguf"), GgufBytes.Gemma(architecture, new() { [$"{architecture}.block_count"] = blocks, [$"{architecture}.attention.key_length"] = 16u }));
        using var file = GgufFile.Open(folder.File("m.gguf"));
        Assert.Contains(ModelConfig.Mapping(file), static row => row is { Key: "(query_scale_length)", Value: "8" });
    }

    [Fact]
    public void From_SplitModel_TellsToMerge() =>
        Refuses(GgufBytes.Model(change: new() { ["split.count"] = (ushort)3 }), "one of 3 parts", "-00001-of-00003.gguf");

    [Fact]
    public void From_Adapter_Refuses() =>
        Refuses(GgufBytes.Model(change: new() { ["general.type"] = "adapter" }), "\"adapter\"", "Adapters");

    [Fact]
    public void From_MissingTensor_NamesIt() =>
        Refuses(GgufBytes.Model(tensors: new() { ["blk.1.ffn_up.weight"] = null }), "'blk.1.ffn_up.weight' is missing", "[32, 64]");

    [Fact]
    public void From_TensorOfOtherShape_GivesBothShapes() =>
        Refuses(GgufBytes.Model(tensors: new() { ["blk.1.attn_k.weight"] = [32, 32] }), "'blk.1.attn_k.weight'", "[32, 32]", "[32, 16]");

    [Fact]
    public void From_UnknownTensor_IsNotIgnored() =>
        Refuses(GgufBytes.Model(tensors: new() { ["blk.0.attn_q.bias"] = [32] }), "blk.0.attn_q.bias", "no biases");

    [Fact]
    public void From_ZeroRopeFactors_Refuses() =>
        Refuses(GgufBytes.Model(tensors: new() { ["rope_freqs.weight"] = [4] }), "'rope_freqs.weight'", "finite factors above 0");

    [Fact]
    public void From_UntiedHead_IsAccepted() =>
        Assert.Equal(2, Read(GgufBytes.Model(tensors: new() { ["output.weight"] = [32, 20] })).BlockCount);

    [Fact]
    public void From_EscapesInNames_DoNotReachTheTerminal()
    {
        var error = Assert.Throws<GgufException>(() => Read(GgufBytes.Model("\u001b[31mred")));
        Assert.DoesNotContain('\u001b', error.Message);
    }
}
