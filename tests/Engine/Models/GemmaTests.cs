using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Tests.Models;

/// <summary>Gemma 2 and 3 against llama.cpp, over 200 tokens, which is longer than the windows (24 and 70) and than three pages:
/// tests/data/architectures has its logits after the last one on random models of seed 3 in F32, made with
/// <c>smol random tiny-gemma2:F32 m.gguf --seed 3</c> and <c>node shared/oracle/dump.mjs m.gguf ids.txt m.lgt</c> (node-llama-cpp 3.22.1, F32
/// cache, no flash attention). llama.cpp takes GELU from a table of halves, so its logits are 5e-4 and 8e-4 from exact ones at most; with
/// ffn_gate all zero (the files called -attention) there is no GELU, and all else is compared tightly.</summary>
public sealed class GemmaTests
{
    public static TheoryData<string> Shapes => ["tiny-gemma2", "tiny-gemma3"];

    [Theory]
    [InlineData("tiny-gemma2", 200)]
    [InlineData("tiny-gemma2", 64)]
    [InlineData("tiny-gemma3", 200)]
    [InlineData("tiny-gemma3", 50)]
    public void Reference_LongerThanTheWindow_AgreesWithLlamaCpp(string shape, int chunk)
    {
        using TemporaryFolder folder = TestData.Temporary();
        RandomModel.Write($"{shape}:F32", folder.File("m.gguf"), 3);
        float[] ours = Logits(folder.File("m.gguf"), Reference with { Batch = chunk })[^1];
        Assert.InRange(Lgt.MaxDifference(Lgt.Read(TestData.Path($"architectures/{shape}.lgt")), [ours]), 0, 1e-3);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Reference_WithoutGelu_AgreesTightlyWithLlamaCpp(string shape)
    {
        using TemporaryFolder folder = TestData.Temporary();
        float[] ours = Logits(WithoutGates(folder, shape), Reference)[^1];
        Assert.InRange(Lgt.MaxDifference(Lgt.Read(TestData.Path($"architectures/{shape}-attention.lgt")), [ours]), 0, 5e-5);
    }

    /// <summary>What the comparison above would not be worth much without: each of these is felt in the logits.</summary>
    [Theory]
    [InlineData("tiny-gemma2", "attention.sliding_window", 25u)]
    [InlineData("tiny-gemma2", "attention.sliding_window_pattern", 3u)]
    [InlineData("tiny-gemma2", "attn_logit_softcapping", 0.25f)]
    [InlineData("tiny-gemma2", "final_logit_softcapping", 6f)]
    [InlineData("tiny-gemma3", "attention.sliding_window", 71u)]
    [InlineData("tiny-gemma3", "attention.sliding_window_pattern", 5u)]
    [InlineData("tiny-gemma3", "rope.freq_base_swa", 1e6f)]
    [InlineData("tiny-gemma3", "rope.scaling.factor", 4f)]
    public void Reference_AnotherValue_GivesOtherLogits(string shape, string suffix, object value)
    {
        using TemporaryFolder folder = TestData.Temporary();
        string changed = Copy(WithoutGates(folder, shape), suffix, value);
        float[] ours = Logits(changed, Reference)[^1];
        Assert.True(Lgt.MaxDifference(Lgt.Read(TestData.Path($"architectures/{shape}-attention.lgt")), [ours]) > 5e-4);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Default_ChunksThreadsAndTwin_GiveTheSameBits(string shape)
    {
        using TemporaryFolder folder = TestData.Temporary();
        RandomModel.Write(shape, folder.File("m.gguf"), 3);
        foreach (KvType kv in Enum.GetValues<KvType>())
        {
            float[][] expected = Logits(folder.File("m.gguf"), new LogitsOptions(kv, Arithmetic.Default, 200, 1));
            foreach ((int chunk, int threads) in new[] { (1, 2), (7, 3), (64, 2), (100, 1) })
                Assert.Equal(expected, Logits(folder.File("m.gguf"), new LogitsOptions(kv, Arithmetic.Default, chunk, threads)));
            if (Simd.Level < SimdLevel.Avx2)
                continue;
            using GgufFile file = GgufFile.Open(folder.File("m.gguf"));
            using RowTwin twin = RowTwin.OpenOrMake(file, "hash", folder.File("twins"));
            Assert.Equal(expected, Logits(folder.File("m.gguf"), new LogitsOptions(kv, Arithmetic.Default, 7, 2) { Twin = twin }));
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Forward_AmongOtherSequences_SameBits(string shape)
    {
        using TemporaryFolder folder = TestData.Temporary();
        RandomModel.Write(shape, folder.File("m.gguf"), 3);
        using GgufFile file = GgufFile.Open(folder.File("m.gguf"));
        ModelConfig config = ModelConfig.From(file);
        float[][] alone = LogitsRun.Compute(file, Ids, new LogitsOptions(KvType.F16, Arithmetic.Default, 200, 2));
        using var team = new ThreadTeam(2);
        using var transformer = new Transformer(file, config, team, 64);
        using var pool = new KvPagePool(new KvLayout(config, KvType.F16), 20);
        KvSequence[] sequences = [.. Enumerable.Range(0, 4).Select(_ => new KvSequence(pool))];
        float[] logits = new float[64 * config.VocabularyLength];
        for (int at = 0; at < Ids.Length; at += 10)
        {
            // neighbours run other tokens, and another number of them
            BatchSlice[] slices = [.. sequences.Select((sequence, i) =>
            {
                int[] ids = [.. Ids.Skip(at).Take(i == 2 ? 10 : 1 + (i * 4)).Select(id => i == 2 ? id : (id + (31 * i) + 1) % config.VocabularyLength)];
                Assert.True(sequence.TryReserve(sequence.Length + ids.Length));
                return new BatchSlice(sequence, ids, LogitRows.Last);
            })];
            transformer.Forward(slices, logits);
            Assert.Equal(alone[at + 9], logits.AsSpan(2 * config.VocabularyLength, config.VocabularyLength).ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public async Task Submit_PromptCached_AnswersAsBefore(string shape)
    {
        using TemporaryFolder folder = TestData.Temporary();
        RandomModel.Write(shape, folder.File("m.gguf"), 3);
        using GgufChatModel model = GgufChatModel.Load(folder.File("m.gguf"), new EngineOptions { Threads = 2, ContextLength = 512 });
        var request = new GenerationRequest([.. Enumerable.Range(300, 150)], 150, 60, new SamplingOptions { Temperature = 0.8f, Seed = 3 }, "tester");
        List<int> first = await Tokens(model.Submit(request));
        Generation again = model.Submit(request);
        Assert.Equal(first, await Tokens(again));
        Assert.Equal(128, await again.CachedTokens);

        static async Task<List<int>> Tokens(Generation generation) =>
            await generation.Tokens.ReadAllAsync(TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>tokens64 three times and a bit, each time other tokens.</summary>
    private static int[] Ids { get; } = [.. Enumerable.Range(0, 200).Select(static i => LogitsTests.Ids()[i % 64] is var id && i < 64 ? id : ((id * 31) + (7 * i)) % 2048)];

    private static LogitsOptions Reference { get; } = new(KvType.F32, Arithmetic.Reference, 200, 2);

    private static float[][] Logits(string path, LogitsOptions options)
    {
        using GgufFile file = GgufFile.Open(path);
        return LogitsRun.Compute(file, Ids, options);
    }

    private static string WithoutGates(TemporaryFolder folder, string shape)
    {
        RandomModel.Write($"{shape}:F32", folder.File("m.gguf"), 3);
        return Copy(folder.File("m.gguf"), "vocab_size", 2048u, static name => name.Contains("ffn_gate", StringComparison.Ordinal));
    }

    // with one key set, and some tensors all zero
    private static unsafe string Copy(string path, string suffix, object value, Predicate<string>? isZero = null)
    {
        string copy = path + "x";
        using GgufFile source = GgufFile.Open(path);
        string key = $"{source.Metadata.Text("general.architecture")}.{suffix}";
        GgufWriter writer = new GgufWriter().AddAll(source.Metadata, other => other != key).Add(key, value);
        foreach (GgufTensor tensor in source.Tensors)
        {
            bool zero = isZero?.Invoke(tensor.Name) ?? false;
            writer.AddTensor(tensor.Name, tensor.Type, [.. tensor.Dimensions], (chunk, offset) =>
            {
                new ReadOnlySpan<byte>(source.Data(tensor) + offset, chunk.Length).CopyTo(chunk);
                if (zero)
                    chunk.Clear();
            });
        }

        writer.WriteFile(copy);
        return copy;
    }
}
