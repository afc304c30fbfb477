using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Tests.Serving;

public sealed class EmbeddingTests
{
    private const string Text = "A silo is a node. A node runs grains. A grain is an actor, and an actor has one turn at a time, whatever else goes on.";

    [Fact]
    public async Task Embed_AloneAmongOthersInChunksOrCached_SameBitsOfLengthOne()
    {
        EngineOptions options = new() { Threads = 2, ModelId = "demo", Kind = ModelKind.Demo, CacheBytes = 64 << 20 };
        using GgufChatModel model = GgufChatModel.Load(TestData.DemoModel, options), small = GgufChatModel.Load(TestData.DemoModel, options with { StepTokens = 16, MaxSequences = 8 });
        int[] tokens = model.EncodeText(Text + Text, addBegin: true, parseSpecial: false);
        float[] alone = await Embed(model, tokens);
        Assert.Equal(model.Config.EmbeddingLength, alone.Length);
        Assert.Equal(1, alone.Sum(value => (double)value * value), 5);
        Assert.Equal(alone, await Embed(model, tokens));
        Assert.Equal(alone, await Embed(small, tokens));
        float[][] among = await Task.WhenAll(Enumerable.Range(1, 6).Select(i => Embed(model, i == 3 ? tokens : tokens[..(10 * i)])));
        Assert.Equal(alone, among[2]);
        Assert.NotEqual(alone, among[5]);
        Assert.Equal(0, model.Cache.Used);
    }

    [Fact]
    public async Task Embed_Cancelled_Ends()
    {
        using GgufChatModel model = GgufChatModel.Load(TestData.DemoModel, new EngineOptions { Threads = 1, CacheBytes = 64 << 20 });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => model.Embed([1, 2, 3], "tester", new CancellationToken(canceled: true)));
    }

    private static Task<float[]> Embed(GgufChatModel model, int[] tokens) => model.Embed(tokens, "tester", TestContext.Current.CancellationToken);
}
