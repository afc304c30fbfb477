using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Tests.Gguf;

public sealed class ModelConfigTests
{
    [Fact]
    public void From_DemoModel_ReadsItsShape()
    {
        using var file = GgufFile.Open(TestData.DemoModel);
        var config = ModelConfig.From(file);
        Assert.Equal(new ModelConfig
        {
            Architecture = "smollm3",
            Name = "SmolCluster demo",
            BlockCount = 8,
            ContextLength = 1024,
            EmbeddingLength = 256,
            FeedForwardLength = 768,
            HeadCount = 4,
            HeadCountKv = 2,
            HeadLength = 64,
            RmsEpsilon = 1e-6f,
            VocabularyLength = 2048,
            NoRopeInterval = 4,
            Rope = new RopeConfig(64, 10_000, RopeScaling.None, 1, 1024, 0, 1, 32, 1),
        }, config);
        Assert.Equal([true, true, true, false, true, true, true, false], Enumerable.Range(0, 8).Select(config.AppliesRope));
        Assert.Equal(8 * 2 * 2 * 64 * 2, config.KvBytesPerToken(KvType.F16));
        Assert.Equal(file.Tensors.Sum(static t => t.ByteLength), ModelTensors.WeightBytes(file));
        Assert.InRange(ModelTensors.WeightCount(file), 6_700_000, 6_900_000);
    }

    [Fact]
    public void From_EveryTinyModel_Accepts()
    {
        foreach (string path in Directory.GetFiles(TestData.Shared("models/tiny"), "*.gguf"))
        {
            using var file = GgufFile.Open(path);
            Assert.Equal(5e6, ModelConfig.From(file).Rope.Base);
        }
    }

    [Fact]
    public void Mapping_DemoModel_TellsKeysAndDefaults()
    {
        using var file = GgufFile.Open(TestData.DemoModel);
        var mapping = ModelConfig.Mapping(file);
        Assert.Contains(new Hyperparameter("smollm3.block_count", "transformer blocks", "8", null), mapping);
        Assert.Contains(new Hyperparameter("smollm3.attention.key_length", "length of a query or key head", "64", "embedding length / "
            + "heads"), mapping);
        Assert.Contains(mapping, static row => row is { Key: "(no_rope_interval)", Value: "4" });
    }

    [Fact]
    public void Mapping_VocabularyFile_WorksWithoutTensors()
    {
        using var file = GgufFile.Open(TestData.Shared("goldens/tokenizer/ggml-vocab-llama-bpe.gguf"));
        Assert.Contains(ModelConfig.Mapping(file), static row => row is { Key: "llama.vocab_size", Value: "128256" });
        var error = Assert.Throws<GgufException>(() => ModelConfig.From(file));
        Assert.Contains("'token_embd.weight' is missing", error.Message, StringComparison.Ordinal);
        Assert.Contains("vocabulary only", error.Message, StringComparison.Ordinal);
    }
}
