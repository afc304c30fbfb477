using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Tests.Models;

/// <summary>Llama's relatives against llama.cpp: tests/data/architectures has its logits after the last of the 64 tokens on random models
/// of seed 3 in F32 (node-llama-cpp 3.22.1, F32 cache, no flash attention; shared/oracle/dump.mjs).</summary>
public sealed class ArchitectureTests
{
    public static TheoryData<string> Shapes => ["tiny-llama", "tiny-qwen2", "tiny-qwen3", "tiny-phi3"];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Reference_RandomModel_AgreesWithLlamaCpp(string shape)
    {
        using TemporaryFolder folder = TestData.Temporary();
        RandomModel.Write($"{shape}:F32", folder.File("m.gguf"), 3);
        float[] ours = Logits(folder.File("m.gguf"), new LogitsOptions(KvType.F32, Arithmetic.Reference, 64, 2));
        float[][] expected = Lgt.Read(TestData.Path($"architectures/{shape}.lgt"));
        Assert.InRange(Lgt.MaxDifference(expected, [ours]), 0, 1e-4);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Default_ChunksThreadsAndTwin_GiveTheSameBits(string shape)
    {
        using TemporaryFolder folder = TestData.Temporary();
        RandomModel.Write(shape, folder.File("m.gguf"), 3);
        float[] expected = Logits(folder.File("m.gguf"), new LogitsOptions(KvType.F16, Arithmetic.Default, 64, 1));
        Assert.Equal(expected, Logits(folder.File("m.gguf"), new LogitsOptions(KvType.F16, Arithmetic.Default, 7, 2)));
        if (Simd.Level < SimdLevel.Avx2)
            return;
        using GgufFile file = GgufFile.Open(folder.File("m.gguf"));
        using RowTwin twin = RowTwin.OpenOrMake(file, "hash", folder.File("twins"));
        Assert.Equal(expected, Logits(folder.File("m.gguf"), new LogitsOptions(KvType.F16, Arithmetic.Default, 7, 2) { Twin = twin }));
    }

    /// <summary>An adapter made for this test (rank 2, two tensors), added to the weights here, and applied by llama.cpp beside them.</summary>
    [Fact]
    public void Reference_LoraAddedToTheWeights_AgreesWithLlamaCpp()
    {
        using TemporaryFolder folder = TestData.Temporary();
        RandomModel.Write("tiny-llama:F32", folder.File("m.gguf"), 3);
        using (GgufFile source = GgufFile.Open(folder.File("m.gguf")))
        using (LoraAdapter adapter = LoraAdapter.Open(TestData.Path("architectures/lora.gguf"), 1))
            ModelQuantizer.Write(source, folder.File("tuned.gguf"), new QuantizeOptions(QuantizationMix.Find("F32")!) { Adapter = adapter });
        float[] ours = Logits(folder.File("tuned.gguf"), new LogitsOptions(KvType.F32, Arithmetic.Reference, 64, 2));
        Assert.InRange(Lgt.MaxDifference(Lgt.Read(TestData.Path("architectures/lora.lgt")), [ours]), 0, 2e-4);
        Assert.True(Lgt.MaxDifference([ours], Lgt.Read(TestData.Path("architectures/tiny-llama.lgt"))) > 0.01);
    }

    [Fact]
    public void LoraAdapter_OfAnotherModel_IsRefused()
    {
        using TemporaryFolder folder = TestData.Temporary();
        RandomModel.Write("tiny:F32", folder.File("m.gguf"), 3);
        using GgufFile source = GgufFile.Open(folder.File("m.gguf"));
        using LoraAdapter adapter = LoraAdapter.Open(TestData.Path("architectures/lora.gguf"), 1);
        Assert.Throws<GgufException>(() => ModelQuantizer.Write(source, folder.File("x.gguf"), new QuantizeOptions(QuantizationMix.Find("F32")!) { Adapter = adapter }));
        Assert.Throws<GgufException>(() => LoraAdapter.Open(folder.File("m.gguf"), 1));
    }

    private static float[] Logits(string path, LogitsOptions options)
    {
        using GgufFile file = GgufFile.Open(path);
        return LogitsRun.Compute(file, LogitsTests.Ids(), options)[^1];
    }
}
