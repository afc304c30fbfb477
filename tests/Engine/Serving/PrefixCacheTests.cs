using System.Text.Json.Nodes;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Tests.Serving;

/// <summary>The prefix cache behind the batch loop: it may change how long an answer takes, and what is counted as cached,
/// and nothing else.</summary>
public sealed class PrefixCacheTests
{
    private const int Page = KvLayout.PageLength;

    private const string Rules = "You are a careful assistant. Answer in short sentences, say when you do not know, and never "
        + "make anything up. Be polite, stay with the question, use plain words, and give an example where it helps. ";

    private static readonly EngineOptions Shared = new() { Threads = 2, ModelId = "demo", Kind = ModelKind.Demo, CacheBytes = 64 << 20 };
    private static readonly EngineOptions Unshared = Shared with { PrefixCache = false };

    [Theory]
    [InlineData(KvType.F16)]
    [InlineData(KvType.Q8_0)]
    public async Task Submit_HitOrMiss_SameTokensAndExactCounts(KvType kv)
    {
        using GgufChatModel model = Load(Shared with { KvType = kv }), reference = Load(Unshared with { KvType = kv });
        foreach (string question in new[] { "What is rain?", "Tell me a story about a fox.", "Why is the sky blue?" })
        {
            foreach (ulong seed in new ulong[] { 1, 2 })
            {
                GenerationRequest request = Request(model, seed, Rules + question, question + Rules);
                Answer expected = await Collect(reference.Submit(request));
                await Collect(model.Submit(request));
                Answer hit = await Collect(model.Submit(request));
                Assert.Equal(expected.Tokens, hit.Tokens);
                Assert.Equal((0, (request.Tokens.Length - 1) / Page * Page), (expected.Cached, hit.Cached));
            }
        }
    }

    [Fact]
    public async Task Submit_GrowingConversationAndForks_SameTokensAndExactCounts()
    {
        using GgufChatModel model = Load(Shared), reference = Load(Unshared);
        GenerationRequest first = Request(model, seed: 3, Rules + "What is rain?");
        Answer answer = await Collect(model.Submit(first));
        Assert.Equal(0, answer.Cached);
        int[] conversation = [.. first.Tokens, .. answer.Tokens];
        List<int[]> computed = [conversation[..^1]]; // an answer's last token is sampled, never computed
        foreach (string fork in new[] { "And what is snow?", "Thank you. Tell me a story about a fox." })
        {
            int[] tokens = [.. conversation, .. model.EncodeChat(Messages(fork + Rules))];
            var next = new GenerationRequest(tokens, tokens.Length, 16, first.Sampling, "tester");
            Answer actual = await Collect(model.Submit(next)), expected = await Collect(reference.Submit(next));
            Assert.Equal(expected.Tokens, actual.Tokens);
            int known = computed.Max(c => Math.Min(c.AsSpan().CommonPrefixLength(tokens), tokens.Length - 1));
            Assert.Equal(known / Page * Page, actual.Cached);
            Assert.InRange(actual.Cached, Page, tokens.Length);
            computed.Add([.. tokens, .. actual.Tokens[..^1]]);
        }
    }

    [Fact]
    public async Task Resume_FromAnyToken_CountsPromptTokensOnly()
    {
        using GgufChatModel model = Load(Shared);
        GenerationRequest request = Request(model, seed: 5, Rules + "Tell me a story about a fox.", endless: true);
        Answer whole = await Collect(model.Submit(request));
        for (int at = 1; at < whole.Tokens.Length; at += 13)
        {
            Answer resumed = await Collect(model.Submit(request with
            {
                Tokens = [.. request.Tokens, .. whole.Tokens[..at]],
                MaxTokens = request.MaxTokens - at,
            }));
            Assert.Equal(whole.Tokens[at..], resumed.Tokens);
            Assert.Equal(Math.Min(request.PromptLength, (request.Tokens.Length + at - 1) / Page * Page), resumed.Cached);
        }
    }

    [Theory]
    [InlineData(3, KvType.F16)]
    [InlineData(4, KvType.F16)]
    [InlineData(5, KvType.F16)]
    [InlineData(4, KvType.Q8_0)]
    public async Task Submit_TinyPool_EvictsAndPreemptsWithTheSameTokens(int pages, KvType kv)
    {
        using GgufChatModel reference = Load(Unshared with { KvType = kv });
        using GgufChatModel model = Load(Shared with { KvType = kv, CacheBytes = pages * reference.Cache.PageBytes });
        GenerationRequest[] requests = [.. Enumerable.Range(0, 6).Select(i =>
            Request(model, (ulong)i, i % 2 == 0 ? Rules + $"Count to {i}." : $"Number {i}: " + Rules, endless: true))];
        Assert.All(requests, static r => Assert.InRange(r.Tokens.Length + r.MaxTokens, Page, 3 * Page));
        foreach (GenerationRequest request in requests)
        {
            Assert.Equal((await Collect(reference.Submit(request))).Tokens, (await Collect(model.Submit(request))).Tokens);
        }

        Answer[] expected = await Task.WhenAll(requests.Select(r => Collect(reference.Submit(r))));
        Answer[] together = await Task.WhenAll(requests.Select(r => Collect(model.Submit(r))));
        Assert.Equal(expected.Select(static a => a.Tokens), together.Select(static a => a.Tokens));
        Assert.Equal(0, model.Cache.Used);
        Assert.InRange(model.Cache.Idle, 1, pages);
    }

    [Fact]
    public async Task Submit_ManyWithOneBeginning_TakeFewerPagesAndTheSameTokens()
    {
        using GgufChatModel model = Load(Shared), reference = Load(Unshared);
        GenerationRequest[] requests = [.. Enumerable.Range(0, 12).Select(i =>
            Request(model, (ulong)i, Rules + Rules + Rules + $"Count to {i}.", endless: true) with { User = $"user {i}" })];
        (int shared, Answer[] actual) = await RunTogether(model, requests);
        (int unshared, Answer[] expected) = await RunTogether(reference, requests);
        Assert.Equal(expected.Select(static a => a.Tokens), actual.Select(static a => a.Tokens));
        Assert.True(shared * 2 < unshared, $"One beginning shared: {shared} pages; not shared: {unshared}.");
        Assert.Equal((0, 0), (model.Cache.Used, reference.Cache.Used));
        Assert.Equal(0, reference.Cache.Idle);
    }

    [Fact]
    public async Task Cancel_InMidPrefill_LeavesOnlyFullPages()
    {
        using GgufChatModel model = Load(Shared with { StepTokens = 16, MaxSequences = 8 }), reference = Load(Unshared);
        GenerationRequest request = Request(model, seed: 8, Rules + Rules + Rules);
        Generation cancelled = model.Submit(request);
        Assert.Equal(0, await cancelled.CachedTokens); // completes when prefill starts
        cancelled.Cancel();
        await Collect(cancelled);
        Assert.Equal(0, model.Cache.Used);
        int kept = model.Cache.Idle;
        Assert.InRange(kept, 0, request.Tokens.Length / Page);
        Answer again = await Collect(model.Submit(request));
        Assert.Equal(Math.Min(kept, (request.Tokens.Length - 1) / Page) * Page, again.Cached);
        Assert.Equal((await Collect(reference.Submit(request))).Tokens, again.Tokens);
    }

    // the most pages held at once, seen whenever an answer brings a token
    private static async Task<(int MostPages, Answer[] Answers)> RunTogether(GgufChatModel model, GenerationRequest[] requests)
    {
        int most = 0;
        Answer[] answers = await Task.WhenAll(requests.Select(r => Collect(model.Submit(r), () =>
        {
            int used = model.Cache.Used;
            for (int seen = most; used > seen; seen = most)
            {
                Interlocked.CompareExchange(ref most, used, seen);
            }
        })));
        return (most, answers);
    }

    private static GgufChatModel Load(EngineOptions options) => GgufChatModel.Load(TestData.DemoModel, options);

    private static GenerationRequest Request(GgufChatModel model, ulong seed, string text, string? system = null, bool endless = false)
    {
        int[] prompt = model.EncodeChat(Messages(text, system));
        // a strong bias against every ending token keeps an answer going to its last allowed token
        Dictionary<int, float> bias = endless
            ? Enumerable.Range(0, model.Config.VocabularyLength).Where(model.EndsAnswer).ToDictionary(static id => id, static _ => -100f)
            : [];
        var sampling = new SamplingOptions { Temperature = 0.9f, Seed = seed, LogitBias = bias };
        return new GenerationRequest(prompt, prompt.Length, endless ? 40 : 16, sampling, "tester");
    }

    private static JsonObject Messages(string text, string? system = null)
    {
        var messages = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = text });
        if (system is not null)
        {
            messages.Insert(0, new JsonObject { ["role"] = "system", ["content"] = system });
        }

        return new JsonObject { ["messages"] = messages };
    }

    private static async Task<Answer> Collect(Generation generation, Action? onToken = null)
    {
        List<int> tokens = [];
        await foreach (int token in generation.Tokens.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            tokens.Add(token);
            onToken?.Invoke();
        }

        return new Answer([.. tokens], await generation.CachedTokens);
    }

    private sealed record Answer(int[] Tokens, int Cached);
}
