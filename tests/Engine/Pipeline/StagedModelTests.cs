using System.Text.Json.Nodes;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Pipeline;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Tests.Pipeline;

/// <summary>All that a batch loop does with pages works by their numbers alone, so a model in stages answers as a whole one.</summary>
public sealed class StagedModelTests
{
    private const string Text = "A silo is a node. A node runs grains. A grain is an actor. Repeat: a silo is a node, a node runs grains, a grain is an actor. ";

    private static readonly EngineOptions s_whole = new() { Threads = 2, ModelId = "demo", Kind = ModelKind.Demo, CacheBytes = 64 << 20 };

    [Fact]
    public async Task Submit_ManyLongPrompts_SameTokensAndPrefixHits()
    {
        using GgufChatModel whole = GgufChatModel.Load(TestData.DemoModel, s_whole);
        using Stages stages = Demo(64);
        using GgufChatModel staged = GgufChatModel.Load(TestData.DemoModel, s_whole with { Pipeline = stages.Options });
        GenerationRequest[] requests = [.. Enumerable.Range(0, 12).Select(i => Request(whole, Text + Text + $"Number {i}?", (ulong)i))];
        int[][] expected = await Task.WhenAll(requests.Select(request => Collect(whole.Submit(request))));
        Assert.Equal(expected, await Task.WhenAll(requests.Select(request => Collect(staged.Submit(request)))));
        Generation again = staged.Submit(requests[5]);
        Assert.Equal((requests[5].PromptLength - 1) / KvLayout.PageLength * KvLayout.PageLength, await again.CachedTokens);
        Assert.Equal(expected[5], await Collect(again));
        Assert.Null(staged.Exchange);
    }

    [Fact]
    public async Task Submit_TextThatRepeats_IsGuessedAheadWithTheSameTokens()
    {
        using GgufChatModel whole = GgufChatModel.Load(TestData.DemoModel, s_whole with { Speculation = false });
        using Stages stages = Demo(64);
        using GgufChatModel staged = GgufChatModel.Load(TestData.DemoModel, s_whole with { Pipeline = stages.Options });
        GenerationRequest request = Request(whole, Text, 3, endless: true) with { MaxTokens = 160, Sampling = new SamplingOptions { Temperature = 0, LogitBias = Endless(whole) } };
        Assert.Equal(await Collect(whole.Submit(request)), await Collect(staged.Submit(request)));
        Assert.InRange(staged.Drafts.Accepted, 1, 160);
    }

    [Fact]
    public async Task Submit_PagesForOneOnly_PreemptsAndGivesTheSameTokens()
    {
        using GgufChatModel whole = GgufChatModel.Load(TestData.DemoModel, s_whole);
        using Stages stages = Demo(3);
        using GgufChatModel staged = GgufChatModel.Load(TestData.DemoModel, s_whole with { Pipeline = stages.Options });
        Assert.Equal(3, staged.Cache.Capacity);
        GenerationRequest[] requests = [.. Enumerable.Range(0, 5).Select(i => Request(whole, $"Please count to {i + 20}.", 99, endless: true))];
        int[][] expected = await Task.WhenAll(requests.Select(request => Collect(whole.Submit(request))));
        Assert.Equal(expected, await Task.WhenAll(requests.Select(request => Collect(staged.Submit(request)))));
        Assert.Equal(0, staged.Cache.Used);
    }

    [Fact]
    public async Task Embed_InStages_SameVector()
    {
        using GgufChatModel whole = GgufChatModel.Load(TestData.DemoModel, s_whole);
        using Stages stages = Demo(64);
        using GgufChatModel staged = GgufChatModel.Load(TestData.DemoModel, s_whole with { Pipeline = stages.Options });
        int[] tokens = whole.EncodeText(Text, addBegin: true, parseSpecial: false);
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        Assert.Equal(await whole.Embed(tokens, "tester", cancellation), await staged.Embed(tokens, "tester", cancellation));
    }

    [Fact]
    public async Task Submit_AStageGoes_SaysThatItIsLostThenAndLater()
    {
        using Stages stages = Demo(64);
        using GgufChatModel staged = GgufChatModel.Load(TestData.DemoModel, s_whole with { Pipeline = stages.Options });
        GenerationRequest request = Request(staged, Text, 1, endless: true);
        Generation running = staged.Submit(request);
        await running.Tokens.ReadAsync(TestContext.Current.CancellationToken);
        stages.All[0].Dispose();
        await Assert.ThrowsAsync<StageLostException>(() => Collect(running));
        var later = await Assert.ThrowsAsync<StageLostException>(() => Collect(staged.Submit(request)));
        Assert.Contains("The stage with layers 3 to 5 was closed", later.Message, StringComparison.Ordinal);
        stages.All.RemoveAt(0);
    }

    private static Stages Demo(int pages) => new(TestData.DemoModel, [3, 3, 2], KvType.F16, pages);

    private static Dictionary<int, float> Endless(GgufChatModel model) =>
        Enumerable.Range(0, model.VocabularyLength).Where(model.EndsAnswer).ToDictionary(static id => id, static _ => -100f);

    private static GenerationRequest Request(GgufChatModel model, string text, ulong seed, bool endless = false)
    {
        int[] prompt = model.EncodeChat(new JsonObject { ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = text }) });
        var sampling = new SamplingOptions { Temperature = 0.9f, Seed = seed, LogitBias = endless ? Endless(model) : [] };
        return new GenerationRequest(prompt, prompt.Length, endless ? 100 : 60, sampling, "tester");
    }

    private static async Task<int[]> Collect(Generation generation) =>
        await generation.Tokens.ReadAllAsync(TestContext.Current.CancellationToken).ToArrayAsync(TestContext.Current.CancellationToken);
}
