using System.Text.Json.Nodes;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Tests.Serving;

/// <summary>Pages computed by one model and taken by an equal one: found there as its own, with the same tokens.</summary>
public sealed class KvExchangeTests
{
    private const int Page = KvLayout.PageLength;

    private static readonly EngineOptions s_options = new() { Threads = 2, ModelId = "demo", Kind = ModelKind.Demo, CacheBytes = 64 << 20 };

    [Theory]
    [InlineData(KvType.F16)]
    [InlineData(KvType.F32)]
    [InlineData(KvType.Q8_0)]
    public async Task Take_WhatAnEqualModelComputed_IsFoundAndGivesTheSameTokens(KvType kv)
    {
        using GgufChatModel giver = Load(s_options with { KvType = kv }), taker = Load(s_options with { KvType = kv });
        GenerationRequest request = Request(giver);
        (int[] expected, _) = await Collect(giver.Submit(request));
        int pages = (request.Tokens.Length - 1) / Page;
        Assert.InRange(pages, 2, 10);
        byte[] first = await giver.Exchange!.Copy(request.Tokens, 0, 1), rest = await giver.Exchange.Copy(request.Tokens, 1, 10);
        Assert.Equal((1, pages - 1), (first.Length / giver.Exchange.PageBytes, rest.Length / giver.Exchange.PageBytes));
        Assert.Equal(Page, await taker.Exchange!.Take(request.Tokens.AsMemory(0, Page), first));
        Assert.Equal(pages * Page, await taker.Exchange.Take(request.Tokens.AsMemory(0, pages * Page), rest));
        Assert.Equal((0, pages), (taker.Cache.Used, taker.Cache.Idle));
        (int[] actual, int cached) = await Collect(taker.Submit(request));
        Assert.Equal(expected, actual);
        Assert.Equal(pages * Page, cached);
        Assert.True(giver.Exchange.PrefillSecondsPerToken > 0);
    }

    [Fact]
    public async Task Take_NoPages_TellsWhatIsThere()
    {
        using GgufChatModel model = Load(s_options);
        GenerationRequest request = Request(model);
        int whole = request.Tokens.Length / Page * Page;
        Assert.Equal(0, await model.Exchange!.Take(request.Tokens.AsMemory(0, whole), default));
        await Collect(model.Submit(request));
        Assert.Equal(whole, await model.Exchange.Take(request.Tokens.AsMemory(0, whole), default));
    }

    [Fact]
    public async Task Take_WithoutThePagesBefore_TakesNothing()
    {
        using GgufChatModel model = Load(s_options);
        byte[] page = new byte[model.Exchange!.PageBytes];
        Assert.Equal(0, await model.Exchange.Take(new int[2 * Page], page));
        Assert.Equal((0, 0), (model.Cache.Used, model.Cache.Idle));
    }

    [Fact]
    public async Task Take_MoreThanThePoolHolds_TakesTheFirstOnes()
    {
        long pageBytes;
        using (GgufChatModel any = Load(s_options))
        {
            pageBytes = any.Exchange!.PageBytes;
        }

        using GgufChatModel model = Load(s_options with { CacheBytes = 2 * pageBytes });
        Assert.Equal(2 * Page, await model.Exchange!.Take(new int[3 * Page], new byte[3 * pageBytes]));
        Assert.Equal((0, 2), (model.Cache.Used, model.Cache.Idle));
    }

    [Theory]
    [InlineData(Page, 1)]          // not a whole page of bytes
    [InlineData(Page + 1, 0)]      // not whole pages of tokens
    [InlineData(0, 0)]             // a page of no tokens
    public async Task Take_WrongSizes_IsRefused(int tokens, int more)
    {
        using GgufChatModel model = Load(s_options);
        byte[] pages = new byte[model.Exchange!.PageBytes + more];
        await Assert.ThrowsAsync<ArgumentException>(() => model.Exchange.Take(new int[tokens], pages));
        Assert.Equal((0, 0), (model.Cache.Used, model.Cache.Idle));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public async Task Take_TokenOutsideTheVocabulary_IsRefused(int token)
    {
        using GgufChatModel model = Load(s_options);
        int[] tokens = new int[Page];
        tokens[^1] = token;
        await Assert.ThrowsAsync<ArgumentException>(() => model.Exchange!.Take(tokens, new byte[model.Exchange.PageBytes]));
    }

    [Fact]
    public async Task Take_NumbersThatAreNone_ShowInTheLogits()
    {
        using GgufChatModel model = Load(s_options);
        GenerationRequest request = Request(model);
        byte[] page = new byte[model.Exchange!.PageBytes];
        page.AsSpan().Fill(0x7F); // F16 0x7F7F is no number
        Assert.Equal(Page, await model.Exchange.Take(request.Tokens.AsMemory(0, Page), page));
        Generation generation = model.Submit(request);
        Assert.Equal(Page, await generation.CachedTokens);
        await Assert.ThrowsAnyAsync<Exception>(() => Collect(generation));
    }

    [Fact]
    public void Exchange_WithoutPrefixCache_IsNone()
    {
        using GgufChatModel model = Load(s_options with { PrefixCache = false });
        Assert.Null(model.Exchange);
    }

    [Fact]
    public async Task Copy_AfterDispose_Ends()
    {
        GgufChatModel model = Load(s_options);
        KvExchange exchange = model.Exchange!;
        model.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => exchange.Copy(new int[Page], 0, 1));
    }

    private static GgufChatModel Load(EngineOptions options) => GgufChatModel.Load(TestData.DemoModel, options);

    private static GenerationRequest Request(GgufChatModel model)
    {
        string text = string.Concat(Enumerable.Repeat("Say it in other words, please, and be brief. ", 16));
        int[] prompt = model.EncodeChat(new JsonObject { ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = text }) });
        return new GenerationRequest(prompt, prompt.Length, 16, new SamplingOptions { Temperature = 0.9f, Seed = 5 }, "tester");
    }

    private static async Task<(int[] Tokens, int Cached)> Collect(Generation generation)
    {
        List<int> tokens = [];
        await foreach (int token in generation.Tokens.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            tokens.Add(token);
        }

        return ([.. tokens], await generation.CachedTokens);
    }
}
