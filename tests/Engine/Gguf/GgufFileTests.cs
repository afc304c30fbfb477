using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Tests.Gguf;

public sealed unsafe class GgufFileTests
{
    [Fact]
    public void Open_DemoModel_ReadsMetadataAndTensors()
    {
        using var file = GgufFile.Open(TestData.DemoModel);
        Assert.Equal(3u, file.Version);
        Assert.Equal(30, file.Metadata.Keys.Count);
        Assert.Equal(74, file.Tensors.Count);
        Assert.Equal("smollm3", file.Metadata.Text("general.architecture"));
        Assert.Equal(8, file.Metadata.Integer("smollm3.block_count"));
        Assert.Equal(1e-6f, file.Metadata.Number("smollm3.attention.layer_norm_rms_epsilon"));
        Assert.False(file.Metadata.Boolean("tokenizer.ggml.add_bos_token"));
        Assert.Equal(["en"], file.Metadata.Texts("general.languages"));
        Assert.Equal(2048, file.Metadata.Texts("tokenizer.ggml.tokens").Count);
        Assert.Equal(2048, file.Metadata.Integers("tokenizer.ggml.token_type").Count);
    }

    [Fact]
    public void Open_DemoModel_TensorBytesFillTheFile()
    {
        using var file = GgufFile.Open(TestData.DemoModel);
        Assert.True(file.TryGetTensor("token_embd.weight", out GgufTensor? tensor));
        Assert.Equal((GgmlType.Q8_0, 256L, 2048L), (tensor.Type, tensor.Columns, tensor.Rows));
        Assert.Equal(2048 / 32 * 256 * 34, tensor.ByteLength);
        GgufTensor last = file.Tensors.MaxBy(static t => t.Offset)!;
        Assert.InRange(file.Length - last.Offset - last.ByteLength, 0, 31);
        var copy = File.ReadAllBytes(TestData.DemoModel).AsSpan((int)tensor.Offset, (int)tensor.ByteLength);
        Assert.True(copy.SequenceEqual(new ReadOnlySpan<byte>(file.Data(tensor), (int)tensor.ByteLength)));
    }

    [Fact]
    public void Open_EveryTinyModel_Opens()
    {
        foreach (string path in Directory.GetFiles(TestData.Shared("models/tiny"), "*.gguf"))
        {
            using var file = GgufFile.Open(path);
            Assert.Equal(74, file.Tensors.Count);
        }
    }

    [Fact]
    public void Open_VocabularyWithoutTensors_ReadsTokens()
    {
        using var file = GgufFile.Open(TestData.Shared("goldens/tokenizer/ggml-vocab-llama-bpe.gguf"));
        Assert.Empty(file.Tensors);
        Assert.Equal(128_256, file.Metadata.Count("tokenizer.ggml.tokens"));
        Assert.Equal("!", file.Metadata.Texts("tokenizer.ggml.tokens")[0]);
        Assert.Equal(280_147, file.Metadata.Texts("tokenizer.ggml.merges").Count);
    }

    [Fact]
    public void Texts_AfterDispose_Throws()
    {
        var file = GgufFile.Open(TestData.DemoModel);
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Metadata.Texts("tokenizer.ggml.tokens"));
        Assert.Throws<ObjectDisposedException>(() => (nint)file.Data(file.Tensors[0]));
        Assert.Equal("smollm3", file.Metadata.Text("general.architecture"));
    }
}
