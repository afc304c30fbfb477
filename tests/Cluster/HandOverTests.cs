using Orleans.Runtime.Placement;
using SmolCluster.Contracts;
using SmolCluster.Engine.Caching;
using SmolCluster.Grains;
using SmolCluster.Grains.HandingOver;

namespace SmolCluster.Cluster.Tests;

/// <summary>A silo that leaves gives its answers away with what it has computed of them.</summary>
public sealed class HandOverTests
{
    private const string Long = "Say it in other words, please, and be brief. ";

    private static ChatRequest Question { get; } = Requests.Hello(ModelCatalog.DemoId, maxTokens: 100) with
    {
        Messages = [new ChatMessage("user", string.Concat(Enumerable.Repeat(Long, 16)))],
        Sampling = new SamplingSettings { Temperature = 1.2f, Seed = 11 },
        Keep = Keep.Nothing,
    };

    [Fact]
    public async Task Stop_DuringAnAnswer_MovesItWithItsPages()
    {
        await using var cluster = await TwoSilos();
        var (leaving, staying) = (cluster.Silos[0], cluster.Silos[1]);
        var undisturbed = await On(leaving, cluster, "undisturbed").Answer(Question);
        Assert.True(undisturbed.Count > 8);

        await using var answer = On(leaving, cluster, "moved").Begin(Question);
        var seen = new List<GenerationEvent>();
        while (seen.Count < 8 && await answer.MoveNextAsync()) seen.Add(answer.Current);
        await cluster.Stop(leaving);
        var known = seen.OfType<TextDelta>().SelectMany(delta => delta.Tokens).ToArray();
        var rest = await cluster.Conversation("moved").Rest(Question, new AnswerCursor(0, known));

        Assert.Equal(staying.Name, Assert.IsType<AnswerStarted>(rest[0]).Silo);
        int prompt = rest.Finish().PromptTokens;
        Assert.Equal(prompt / KvLayout.PageLength * KvLayout.PageLength, Assert.IsType<PrefillStarted>(rest[1]).CachedTokens);
        Assert.Equal(undisturbed.Text(), rest.Text());
        Assert.Equal(seen.OfType<TextDelta>().Select(Comparable), rest.OfType<TextDelta>().Take(seen.Count - 2).Select(Comparable));
    }

    [Fact]
    public async Task Into_PagesThatDoNotFit_AreRefusedAndComputedAgain()
    {
        await using var cluster = await TwoSilos();
        var (giver, taker) = (cluster.Service<ModelHost>(0), cluster.Service<ModelHost>(1));
        var model = giver.Get(ModelCatalog.DemoId);
        var expected = await On(cluster.Silos[0], cluster, "giver").Answer(Question);
        int[] tokens = model.EncodeChat(new() { ["messages"] = new System.Text.Json.Nodes.JsonArray(new System.Text.Json.Nodes.JsonObject { ["role"] = "user", ["content"] = Question.Messages[0].Content }) });
        tokens = tokens[..(2 * KvLayout.PageLength)];
        byte[] pages = await model.Exchange!.Copy(tokens.Append(0).ToArray(), 0, 2);
        Assert.Equal(2 * model.Exchange.PageBytes, pages.Length);

        var whole = KvPages.Of(model.Card, model.Exchange, tokens, pages);
        byte[] damaged = [.. pages];
        damaged[^1] ^= 1;
        await Refuses(whole with { Pages = damaged }, "did not arrive as they were sent");
        await Refuses(whole with { Tokens = [.. tokens[..^1], tokens[^1] + 1] }, "did not arrive as they were sent");
        await Refuses(whole with { Identity = "other" }, "its model is");
        await Refuses(whole with { Layout = "F32/64x1x64/1" }, "the pages lie as F32/64x1x64/1");
        await Refuses(whole with { Model = "other" }, "There is no model 'other'");
        await Refuses(KvPages.Of(model.Card, model.Exchange, tokens, pages[..^1]), "bytes for");
        await Refuses(KvPages.Of(model.Card, model.Exchange, [.. tokens[..^1], int.MaxValue], pages), "outside the vocabulary");

        var computed = await On(cluster.Silos[1], cluster, "taker").Answer(Question);
        Assert.Equal((0, expected.Text()), (computed.Finish().CachedTokens, computed.Text()));
        Assert.Equal(new KvTaken(tokens.Length, null), await whole.Into(taker));

        async Task Refuses(KvPages pages, string why)
        {
            var taken = await pages.Into(taker);
            Assert.Equal(0, taken.Tokens);
            Assert.Contains(why, taken.Refusal, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(72 * 1024, 1.0 / 60, true)]     // SmolLM3-3B in F16 on two cores, over gigabit Ethernet: 0.7 against 17 ms a token
    [InlineData(72 * 1024, 1.0 / 5000, false)]  // the same computed as a large accelerator would
    public void MovingPays_BytesAgainstPrefill_TakesTheCheaper(long bytesPerToken, double secondsPerToken, bool expected) =>
        Assert.Equal(expected, HandOverChoice.MovingPays(64 * bytesPerToken, 64, HandOverChoice.AssumedBytesPerSecond, secondsPerToken));

    [Fact]
    public void PagesOfAMessage_PageLargerThanAMessage_IsNone()
    {
        Assert.Equal(3, HandOverChoice.PagesOfAMessage(64 * 72 * 1024));
        Assert.Equal(0, HandOverChoice.PagesOfAMessage(HandOverChoice.MessageBytes + 1L));
    }

    private static async Task<StubCluster> TwoSilos()
    {
        var cluster = await StubCluster.Start(2, _ => [.. ModelCatalog.From(new SmolClusterOptions { Models = [new() { Path = ModelCatalog.DemoPath }], Threads = 1, KvMemoryMiB = 64 })]);
        await Task.WhenAll(cluster.Service<ModelHost>(0).Settled, cluster.Service<ModelHost>(1).Settled);
        return cluster;
    }

    private static IConversationGrain On(Orleans.TestingHost.InProcessSiloHandle silo, StubCluster cluster, string id)
    {
        RequestContext.Set(IPlacementDirector.PlacementHintKey, silo.SiloAddress);
        return cluster.Conversation(id);
    }

    private static string Comparable(TextDelta delta) => $"{delta.Number} {delta.Text} {string.Join(',', delta.Tokens)}";
}
