using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Pipeline;
using SmolCluster.Engine.Tests.Models;

namespace SmolCluster.Engine.Tests.Pipeline;

/// <summary>Where a model is cut changes no bit of its logits.</summary>
public sealed class PipelinedPassTests
{
    private static readonly int[] s_ids = LogitsTests.Ids();

    public static TheoryData<string> Cuts => ["1,7", "2,6", "3,5", "4,4", "5,3", "6,2", "7,1", "2,3,3", "1,1,1,1,1,1,1,1"];

    [Theory]
    [MemberData(nameof(Cuts))]
    public void Forward_EveryCutInChunks_SameBitsAsTheWhole(string cut)
    {
        float[][] whole = Whole(TestData.TinyModel, KvType.F16);
        foreach (int chunk in new[] { 1, 7, 64 })
        {
            Assert.Equal(whole, Staged(TestData.TinyModel, cut, KvType.F16, chunk));
        }
    }

    [Theory]
    [InlineData(KvType.F32)]
    [InlineData(KvType.Q8_0)]
    public void Forward_OtherCaches_SameBitsAsTheWhole(KvType kv) => Assert.Equal(Whole(TestData.TinyModel, kv), Staged(TestData.TinyModel, "3,5", kv, 20));

    /// <summary>Biases, normalized heads, fused matrices, a head of its own, factors of RoPE, layers with windows and without.</summary>
    [Theory]
    [InlineData("tiny-llama", "1,3")]
    [InlineData("tiny-qwen2", "1,3")]
    [InlineData("tiny-qwen3", "1,3")]
    [InlineData("tiny-phi3", "1,3")]
    [InlineData("tiny-gemma2", "1,3")]
    [InlineData("tiny-gemma3", "2,3,2")]
    public void Forward_OtherArchitectures_SameBitsAsTheWhole(string shape, string cut)
    {
        using TemporaryFolder folder = TestData.Temporary();
        RandomModel.Write(shape, folder.File("m.gguf"), 3);
        Assert.Equal(Whole(folder.File("m.gguf"), KvType.F16), Staged(folder.File("m.gguf"), cut, KvType.F16, 30));
    }

    [Fact]
    public void Forward_AmongOtherSequencesOfManyLengths_SameBits()
    {
        float[][] whole = Whole(TestData.TinyModel, KvType.F16);
        using var staged = new StagedPass(TestData.TinyModel, [3, 2, 3], KvType.F16, 40);
        int vocabulary = staged.Config.VocabularyLength;
        KvSequence[] sequences = [.. Enumerable.Range(0, 8).Select(_ => new KvSequence(staged.Pool))];
        float[] logits = new float[Stages.StepTokens * vocabulary];
        for (int at = 0; at < s_ids.Length; at += 4)
        {
            // every neighbour runs other tokens, and another number of them; ours is in the middle of the batch
            BatchSlice[] slices = [.. sequences.Select((sequence, i) =>
            {
                int[] ids = [.. s_ids.Skip(at).Take(i == 3 ? 4 : 1 + i % 5).Select(id => i == 3 ? id : (id + 31 * i + 1) % vocabulary)];
                Assert.True(sequence.TryReserve(sequence.Length + ids.Length));
                return new BatchSlice(sequence, ids, LogitRows.All);
            })];
            staged.Pass.Forward(slices, logits);
            int row = slices.Take(3).Sum(static slice => slice.Tokens.Length);
            for (int i = 0; i < 4; i++)
            {
                Assert.Equal(whole[at + i], logits.AsSpan((row + i) * vocabulary, vocabulary).ToArray());
            }
        }
    }

    /// <summary>The parts of one prompt's chunk overlap: the first comes back only when the second is on its way.</summary>
    [Fact]
    public void Forward_LongChunk_SendsTheNextPartBeforeTheFirstIsBack()
    {
        HoldingLink? held = null;
        using var staged = new StagedPass(TestData.TinyModel, [4, 4], KvType.F16, 1, link: link => held = new HoldingLink(link));
        using var sequence = new KvSequence(staged.Pool);
        Assert.True(sequence.TryReserve(s_ids.Length));
        float[] logits = new float[staged.Config.VocabularyLength];
        staged.Pass.Forward([new BatchSlice(sequence, s_ids, LogitRows.Last)], logits);
        Assert.Equal(Whole(TestData.TinyModel, KvType.F16)[^1], logits);
        Assert.Equal([0, 1, 2, 3], held!.Sent);
    }

    [Fact]
    public void Forward_HalvesCross_LogitsDifferLittle()
    {
        float[][] whole = Whole(TestData.TinyModel, KvType.F32), halves = Staged(TestData.TinyModel, "4,4", KvType.F32, 16, ActivationType.F16);
        Assert.InRange(Lgt.MeanKl(whole, halves), double.Epsilon, 5e-3);
    }

    [Fact]
    public void Write_LargerThanAHalfCanBe_IsTheLargestHalf()
    {
        float[] values = [1e9f, -1e9f, 1.5f, float.NaN], back = new float[4];
        HiddenRows.Read(ActivationType.F16, HiddenRows.Write(ActivationType.F16, values), back);
        Assert.Equal([65504, -65504, 1.5f, float.NaN], back);
        HiddenRows.Read(ActivationType.F32, HiddenRows.Write(ActivationType.F32, values), back);
        Assert.Equal(values, back);
        Assert.Throws<ArgumentException>(() => HiddenRows.Read(ActivationType.F16, new byte[7], new float[4]));
    }

    [Fact]
    public void Of_StepsOfManyKinds_PartsAllTokensInOrderWithASequenceOnceInEach()
    {
        using var pool = new KvPagePool(new KvLayout(TestShapes.Small, KvType.F32), 4);
        var random = new Random(5);
        for (int round = 0; round < 200; round++)
        {
            int next = 0;
            BatchSlice[] slices = [.. Enumerable.Range(0, random.Next(1, 9)).Select(_ =>
                new BatchSlice(new KvSequence(pool), Enumerable.Range(next, random.Next(1, 40)).Select(_ => next++).ToArray(), LogitRows.Last))];
            int most = random.Next(3, 60);
            List<BatchSlice[]> parts = StepParts.Of(slices, 16, most);
            Assert.Equal(Enumerable.Range(0, next), parts.SelectMany(static part => part.SelectMany(static slice => slice.Tokens.ToArray())));
            Assert.All(parts, part => Assert.InRange(part.Sum(static slice => slice.Tokens.Length), 1, most));
            Assert.All(parts, static part => Assert.Equal(part.Length, part.Select(static slice => slice.Sequence).Distinct().Count()));
            Assert.Equal(next < 32 && next <= most, parts.Count == 1);
        }
    }

    private sealed class HoldingLink(IStageLink link) : IStageLink
    {
        private readonly TaskCompletionSource _second = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public List<long> Sent { get; } = [];

        public async Task<byte[]> Run(StageStep work)
        {
            Sent.Add(work.Number);
            if (work.Number == 1)
            {
                _second.SetResult();
            }

            byte[] hidden = await link.Run(work);
            await _second.Task.WaitAsync(TimeSpan.FromSeconds(30));
            return hidden;
        }
    }

    private static float[][] Whole(string path, KvType kv)
    {
        using GgufFile file = GgufFile.Open(path);
        return LogitsRun.Compute(file, s_ids, new LogitsOptions(kv, Arithmetic.Default, s_ids.Length, 2));
    }

    private static float[][] Staged(string path, string cut, KvType kv, int chunk, ActivationType activations = ActivationType.F32)
    {
        using var staged = new StagedPass(path, [.. cut.Split(',').Select(int.Parse)], kv, 3, activations);
        using var sequence = new KvSequence(staged.Pool);
        Assert.True(sequence.TryReserve(s_ids.Length));
        float[] step = new float[chunk * staged.Config.VocabularyLength];
        List<float[]> rows = [];
        for (int at = 0; at < s_ids.Length; at += chunk)
        {
            int count = Math.Min(chunk, s_ids.Length - at);
            staged.Pass.Forward([new BatchSlice(sequence, s_ids.AsMemory(at, count), LogitRows.All)], step);
            rows.AddRange(step.Chunk(staged.Config.VocabularyLength).Take(count).Select(static row => row.ToArray()));
        }

        return [.. rows];
    }
}
