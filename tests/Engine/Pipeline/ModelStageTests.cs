using System.Globalization;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Pipeline;

namespace SmolCluster.Engine.Tests.Pipeline;

public sealed class ModelStageTests
{
    private static readonly ModelOutline s_tiny = ModelOutline.Of(TestData.TinyModel);
    private static readonly StageOptions s_options = new(s_tiny.ContentHash, new LayerRange(4, 4), KvType.F16, 4, 32, ActivationType.F32, 1, false);

    private static int Embedding => s_tiny.Config.EmbeddingLength;

    [Fact]
    public async Task Run_StepsThatArriveInAnotherOrder_AreComputedInTheirs()
    {
        byte[][] expected = await Outputs([0, 1, 2]);
        Assert.Equal(expected, await Outputs([2, 0, 1]));
        Assert.NotEqual(expected[1], expected[2]);
    }

    [Fact]
    public async Task Run_WhatIsNoStepOfThisStage_IsRefused()
    {
        using ModelStage stage = ModelStage.Open(TestData.TinyModel, s_options);
        long number = 0;
        foreach ((int position, int count, int[] pages) in new[]
        {
            (-1, 1, [0]), (0, 0, [0]), (0, 33, [0]), (0, 1, []), (0, 1, new[] { 0, 1 }), (64, 1, [0]), (0, 1, [-1]), (0, 1, [4]), (int.MaxValue, 1, [0]),
        })
        {
            await Assert.ThrowsAnyAsync<ArgumentException>(() => stage.Run(new(number++, [new(position, count, pages)], new byte[Embedding * count * 4])));
        }

        await Assert.ThrowsAsync<ArgumentException>(() => stage.Run(new(number++, [new(0, 2, [0])], new byte[Embedding * 4])));
        StageSlice half = new(0, 17, [0]);
        await Assert.ThrowsAsync<ArgumentException>(() => stage.Run(new(number++, [half, half with { Pages = [1] }], new byte[Embedding * 34 * 4])));
        await Assert.ThrowsAsync<ArgumentException>(() => stage.Run(Step(number - 1)));
        Assert.Equal(Embedding * 4, (await stage.Run(Step(number))).Length);
    }

    [Fact]
    public async Task Dispose_StepsWait_EndsThem()
    {
        Task<byte[]> waits;
        using (ModelStage stage = ModelStage.Open(TestData.TinyModel, s_options))
        {
            waits = stage.Run(Step(1)); // 0 never comes
        }

        await Assert.ThrowsAsync<ObjectDisposedException>(() => waits);
    }

    [Fact]
    public void Open_AnotherModelOrLayersThatItDoesNotHave_IsRefused()
    {
        Assert.Contains("Give all nodes the same file", Assert.Throws<GgufException>(() => ModelStage.Open(TestData.DemoModel, s_options)).Message, StringComparison.Ordinal);
        foreach (var range in new[] { new LayerRange(0, 8), new LayerRange(4, 5), new LayerRange(4, 0), new LayerRange(8, 1) })
        {
            Assert.Throws<ArgumentException>(() => ModelStage.Open(TestData.TinyModel, s_options with { Range = range }));
        }
    }

    [Fact]
    public void Of_RandomModel_AddsUpToItsTensors()
    {
        using GgufFile file = GgufFile.Open(TestData.TinyModel);
        Assert.Equal(ModelTensors.WeightBytes(file), s_tiny.Bytes(LayerRange.Whole(s_tiny.Config)));
        Assert.Equal(file.Tensors.Where(static t => t.Name.StartsWith("blk.3.", StringComparison.Ordinal)).Sum(static t => t.ByteLength), s_tiny.Bytes(new LayerRange(3, 1)));
        Assert.Equal(s_tiny.PageBytes(LayerRange.Whole(s_tiny.Config), KvType.F16), 8 * s_tiny.PageBytes(new LayerRange(2, 1), KvType.F16));
    }

    /// <summary>27 MB of weights in F32, of which each of two stages has half resident, and no more.</summary>
    [Fact]
    public void Forward_TwoStages_EachReadsItsOwnWeightsOnly()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads /proc.");
        using TemporaryFolder folder = TestData.Temporary();
        string first = folder.File("first.gguf"), second = folder.File("second.gguf");
        RandomModel.Write("tiny:F32", first, 3);
        File.Copy(first, second);
        ModelOutline model = ModelOutline.Of(first);
        LayerRange front = new(0, 4), back = new(4, 4);
        using ModelStage stage = ModelStage.Open(second, s_options with { ContentHash = model.ContentHash, Range = back });
        using GgufFile file = GgufFile.Open(first);
        using var team = new ThreadTeam(1);
        using var own = new Transformer(file, model.Config, team, 32, range: front);
        using var pool = new KvPagePool(new KvLayout(model.Config, KvType.F16, front.Count), 4);
        using var sequence = new KvSequence(pool);
        Assert.True(sequence.TryReserve(32));
        var pass = new PipelinedPass(own, new(front, 4, ActivationType.F32, [new LocalLink(stage)]), Embedding);
        pass.Forward([new(sequence, Enumerable.Range(0, 32).ToArray(), LogitRows.Last)], new float[model.Config.VocabularyLength]);

        const long Slack = 1 << 20; // the header, and what the system maps around a page that is read
        Assert.InRange(Resident(first), model.Bytes(front) - model.EndBytes, model.Bytes(front) + Slack);
        Assert.InRange(Resident(second), model.Bytes(back) - Slack, model.Bytes(back) + Slack);
    }

    // of the file's mapping, in bytes
    private static long Resident(string path)
    {
        string[] lines = File.ReadAllLines("/proc/self/smaps");
        int at = Array.FindIndex(lines, line => line.EndsWith(path, StringComparison.Ordinal));
        string rss = lines.Skip(at).First(static line => line.StartsWith("Rss:", StringComparison.Ordinal));
        return long.Parse(rss.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
    }

    // three tokens of one sequence, in the order of their arrival
    private static async Task<byte[][]> Outputs(int[] arrival)
    {
        using ModelStage stage = ModelStage.Open(TestData.TinyModel, s_options);
        var outputs = new Task<byte[]>[arrival.Length];
        foreach (int number in arrival)
        {
            outputs[number] = stage.Run(Step(number));
        }

        return await Task.WhenAll(outputs);
    }

    private static StageStep Step(long number)
    {
        float[] hidden = [.. Enumerable.Range(0, Embedding).Select(i => MathF.Sin(i + number))];
        return new(number, [new((int)Math.Min(number, 2), 1, [0])], HiddenRows.Write(ActivationType.F32, hidden));
    }
}
