using System.Security.Cryptography;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Tests.Gguf;

public sealed class RandomModelTests
{
    [Fact]
    public void Write_EveryTypeOfTiny_IsAModel()
    {
        using var folder = TestData.Temporary();
        foreach (string type in RandomModel.Types)
        {
            string path = folder.File("tiny.gguf");
            RandomModel.Write($"tiny:{type}", path, seed: 1);
            using var file = GgufFile.Open(path);
            var config = ModelConfig.From(file);
            Assert.Equal((8, 2048), (config.BlockCount, config.VocabularyLength));
            Assert.Equal(2048, file.Metadata.Texts("tokenizer.ggml.tokens").Distinct(StringComparer.Ordinal).Count());
        }
    }

    [Fact]
    public void Write_TinyLlama_HasItsOwnHeadAndRopeFactors()
    {
        using var folder = TestData.Temporary();
        string path = folder.File("llama.gguf");
        RandomModel.Write("tiny-llama:Q8_0", path, seed: 1);
        using var file = GgufFile.Open(path);
        Assert.Equal("llama", ModelConfig.From(file).Architecture);
        Assert.True(file.TryGetTensor("output.weight", out _));
        Assert.True(file.TryGetTensor(ModelTensors.RopeFactors, out _));
    }

    [Fact]
    public void Write_SameSeed_SameBytesAndNoRemains()
    {
        using var folder = TestData.Temporary();
        string Hash(string name, ulong seed)
        {
            RandomModel.Write("tiny", folder.File(name), seed);
            using var stream = File.OpenRead(folder.File(name));
            return Convert.ToHexString(SHA256.HashData(stream));
        }

        Assert.Equal(Hash("a", 1), Hash("b", 1));
        Assert.NotEqual(Hash("a", 1), Hash("c", 2));
        Assert.Equal(3, Directory.GetFiles(Path.GetDirectoryName(folder.File("a"))!).Length);
    }

    [Theory, InlineData("huge:Q4_K_M"), InlineData("tiny:IQ1_S"), InlineData("tiny:q4_k"), InlineData("tiny:Q8_0:x")]
    public void Write_UnknownShape_ListsTheKnown(string shape)
    {
        var error = Assert.Throws<ArgumentException>(() => RandomModel.Write(shape, "/nowhere/x.gguf", 1));
        Assert.Contains("smollm3-3b", error.Message, StringComparison.Ordinal);
        Assert.Contains("Q4_K_M", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_TinyQ4KM_MixesTypesAsLlamaCppDoes()
    {
        using var folder = TestData.Temporary();
        string path = folder.File("tiny.gguf");
        RandomModel.Write("tiny:Q4_K_M", path, seed: 1);
        using var ours = GgufFile.Open(path);
        using var theirs = GgufFile.Open(TestData.TinyModel);
        Assert.Equal(
            theirs.Tensors.OrderBy(static t => t.Name, StringComparer.Ordinal).Select(static t => (t.Name, t.Type, t.ByteLength)),
            ours.Tensors.OrderBy(static t => t.Name, StringComparer.Ordinal).Select(static t => (t.Name, t.Type, t.ByteLength)));
        Assert.Contains(ours.Tensors, static t => t.Type == GgmlType.Q6_K);
    }
}
