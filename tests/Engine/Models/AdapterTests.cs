using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Tests.Models;

/// <summary>LoRA adapters at run time: against llama.cpp, against merged weights, and bit for bit beside others in a batch.</summary>
public sealed class AdapterTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void Reference_AdapterBesideTheWeights_AgreesWithLlamaCpp()
    {
        using TemporaryFolder folder = TestData.Temporary();
        RandomModel.Write("tiny-llama:F32", folder.File("m.gguf"), 3);
        using GgufFile file = GgufFile.Open(folder.File("m.gguf"));
        Adapter adapter = Adapter.Load(TestData.Path("architectures/lora.gguf"), 1, file);
        float[] ours = LogitsRun.Compute(file, LogitsTests.Ids(), new LogitsOptions(KvType.F32, Arithmetic.Reference, 64, 2) { Adapter = adapter })[^1];
        Assert.InRange(Lgt.MaxDifference(Lgt.Read(TestData.Path("architectures/lora.lgt")), [ours]), 0, 2e-4);
        Assert.True(Lgt.MaxDifference([ours], Lgt.Read(TestData.Path("architectures/tiny-llama.lgt"))) > 0.01);
    }

    [Theory]
    [InlineData("tiny-llama")]
    [InlineData("tiny-qwen3")]
    [InlineData("tiny-phi3")]
    [InlineData("tiny-gemma2")]
    [InlineData("tiny-gemma3")]
    public void Reference_AllMatricesAdapted_AgreesWithMergedWeights(string shape)
    {
        using TemporaryFolder folder = TestData.Temporary();
        string model = folder.File("m.gguf"), lora = folder.File("a.gguf");
        RandomModel.Write($"{shape}:F32", model, 3);
        RandomAdapter.Write(model, lora, 8, 1);
        using GgufFile file = GgufFile.Open(model);
        using (LoraAdapter merged = LoraAdapter.Open(lora, 0.5f))
            ModelQuantizer.Write(file, folder.File("merged.gguf"), new QuantizeOptions(QuantizationMix.Find("F32")!) { Adapter = merged });
        var options = new LogitsOptions(KvType.F32, Arithmetic.Reference, 64, 2);
        using GgufFile other = GgufFile.Open(folder.File("merged.gguf"));
        float[][] expected = LogitsRun.Compute(other, LogitsTests.Ids(), options), plain = LogitsRun.Compute(file, LogitsTests.Ids(), options);
        float[][] ours = LogitsRun.Compute(file, LogitsTests.Ids(), options with { Adapter = Adapter.Load(lora, 0.5f, file) });
        Assert.InRange(Lgt.MaxDifference(expected, ours), 0, 1e-3);
        Assert.True(Lgt.MaxDifference(plain, ours) > 0.1);
    }

    [Fact]
    public void Forward_AnyBatchAndThreads_GivesTheSameBits()
    {
        using TemporaryFolder folder = TestData.Temporary();
        string model = folder.File("m.gguf"), lora = folder.File("a.gguf");
        RandomModel.Write("tiny:Q4_K_M", model, 3);
        RandomAdapter.Write(model, lora, 4, 1);
        using GgufFile file = GgufFile.Open(model);
        Adapter adapter = Adapter.Load(lora, 1, file);
        float[][] expected = LogitsRun.Compute(file, LogitsTests.Ids(), new LogitsOptions(KvType.F16, Arithmetic.Default, 64, 1) { Adapter = adapter });
        Assert.Equal(expected, LogitsRun.Compute(file, LogitsTests.Ids(), new LogitsOptions(KvType.F16, Arithmetic.Default, 7, 3) { Adapter = adapter }));
    }

    [Fact]
    public async Task Submit_ThreeWeightsInOneBatch_EachAnswersAsAlone()
    {
        using TemporaryFolder folder = TestData.Temporary();
        string model = folder.File("m.gguf");
        RandomModel.Write("tiny:Q8_0", model, 3);
        RandomAdapter.Write(model, folder.File("a.gguf"), 4, 1);
        RandomAdapter.Write(model, folder.File("b.gguf"), 16, 2);
        List<int>[] alone = [await Alone(null), await Alone("a"), await Alone("b")];
        Assert.Equal(3, alone.Select(static tokens => string.Join(',', tokens)).Distinct().Count());

        using GgufChatModel together = Load();
        using AdaptedChatModel a = new(together, "a", folder.File("a.gguf")), b = new(together, "b", folder.File("b.gguf"));
        IChatModel[] models = [together, a, b, a, together, b];
        Generation[] running = [.. models.Select(static one => one.Submit(Request()))];
        for (int i = 0; i < models.Length; i++)
            Assert.Equal(alone[models[i] == together ? 0 : models[i] == a ? 1 : 2], await Tokens(running[i]));
        // what one of them has computed of the same prompt is no page of another's
        Assert.Equal(alone[1], await Tokens(a.Submit(Request())));
        Assert.Equal(alone[0], await Tokens(together.Submit(Request())));
        Assert.Equal(64, await b.Submit(Request()).CachedTokens);

        GgufChatModel Load() => GgufChatModel.Load(model, new EngineOptions { Threads = 2, ContextLength = 512 });

        async Task<List<int>> Alone(string? name)
        {
            using GgufChatModel plain = Load();
            if (name is null)
                return await Tokens(plain.Submit(Request()));
            using var adapted = new AdaptedChatModel(plain, name, folder.File(name + ".gguf"));
            Assert.Equal((name, "m"), (adapted.Card.Id, adapted.Card.Parent));
            Assert.NotEqual(plain.Card.Identity, adapted.Card.Identity);
            return await Tokens(adapted.Submit(Request()));
        }
    }

    [Fact]
    public void Load_AdapterOfAnotherModel_IsRefused()
    {
        using TemporaryFolder folder = TestData.Temporary();
        RandomModel.Write("tiny:F32", folder.File("m.gguf"), 3);
        using GgufFile file = GgufFile.Open(folder.File("m.gguf"));
        Assert.Contains("architecture", Assert.Throws<GgufException>(() => Adapter.Load(TestData.Path("architectures/lora.gguf"), 1, file)).Message, StringComparison.Ordinal);
    }

    // longer than a page, so that it leaves one
    private static GenerationRequest Request() =>
        new([.. Enumerable.Range(300, 70)], 70, 30, new SamplingOptions { Temperature = 0.8f, Seed = 3 }, "tester");

    private static async Task<List<int>> Tokens(Generation generation) => await generation.Tokens.ReadAllAsync(Cancellation).ToListAsync(Cancellation);
}
