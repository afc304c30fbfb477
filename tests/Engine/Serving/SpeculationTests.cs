using System.Text.Json.Nodes;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Tests.Serving;

/// <summary>Speculation may change how fast an answer comes and nothing else: every answer is compared with the same model's
/// without drafts.</summary>
public sealed class SpeculationTests
{
    private const string Text = "A silo is a node. A node runs grains. A grain is an actor. Repeat: a silo is a node, a node runs grains, a grain is an actor. ";

    private static readonly EngineOptions On = new() { Threads = 2, ModelId = "demo", Kind = ModelKind.Demo, CacheBytes = 64 << 20 };
    private static readonly EngineOptions Off = On with { Speculation = false };

    public static TheoryData<string> Samplings => [.. Known.Keys];

    private static Dictionary<string, SamplingOptions> Known { get; } = new()
    {
        ["greedy"] = new() { Temperature = 0 },
        ["temperature"] = new() { Temperature = 0.8f, Seed = 11 },
        ["top-k, top-p, min-p"] = new() { Temperature = 1.1f, TopK = 20, TopP = 0.9f, MinP = 0.02f, Seed = 12 },
        ["repetition penalty"] = new() { Temperature = 0.3f, RepetitionPenalty = 1.1f, PenaltyWindow = 20, Seed = 13 },
        ["presence and frequency"] = new() { Temperature = 0.2f, PresencePenalty = 0.2f, FrequencyPenalty = 0.05f, Seed = 14 },
    };

    [Theory]
    [MemberData(nameof(Samplings))]
    public async Task Submit_AloneAndAmongOthers_SameTokens(string sampling)
    {
        using GgufChatModel model = Load(On), reference = Load(Off);
        GenerationRequest[] requests = [.. Enumerable.Range(0, 10).Select(i =>
            Endless(model, Text + new string('x', i), Known[sampling] with { Seed = Known[sampling].Seed + (ulong)i }, 120) with { User = $"user {i % 3}" })];
        int[][] expected = await Task.WhenAll(requests.Select(r => Collect(reference.Submit(r))));
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(expected[i], await Collect(model.Submit(requests[i])));
        }

        Assert.Equal(expected, await Task.WhenAll(requests.Select(r => Collect(model.Submit(r)))));
        AssertDrafts(model);
        Assert.Equal((0, 0), reference.Drafts);
    }

    [Fact]
    public async Task Submit_MaxTokensAnywhere_SameTokensAndNoMore()
    {
        using GgufChatModel model = Load(On), reference = Load(Off);
        GenerationRequest request = Endless(model, Text, Known["greedy"], 120);
        int[] whole = await Collect(reference.Submit(request));
        Assert.Equal(120, whole.Length);
        GenerationRequest late = request with { Tokens = [.. request.Tokens, .. whole[..80]] };
        for (int most = 1; most <= 40; most++)
        {
            Assert.Equal(whole[80..(80 + most)], await Collect(model.Submit(late with { MaxTokens = most })));
        }

        AssertDrafts(model);
    }

    [Fact]
    public async Task Submit_StopTokenAnywhere_IsTheLast()
    {
        using GgufChatModel model = Load(On), reference = Load(Off);
        GenerationRequest request = Endless(model, Text, Known["greedy"], 90);
        int[] whole = await Collect(reference.Submit(request));
        foreach (int stop in whole.Distinct().Take(8))
        {
            // in a loop a stop token comes again and again, so prompts that hold the text before it have it drafted
            GenerationRequest stopping = request with { StopTokens = new HashSet<int> { stop } };
            Assert.Equal(whole[..(Array.IndexOf(whole, stop) + 1)], await Collect(model.Submit(stopping)));
            GenerationRequest resumed = stopping with { Tokens = [.. request.Tokens, .. whole], MaxTokens = 40 };
            Assert.Equal(await Collect(reference.Submit(resumed)), await Collect(model.Submit(resumed)));
        }

        AssertDrafts(model);
        Assert.Equal(0, model.Cache.Used);
    }

    [Fact]
    public async Task Submit_StopTokenInsideADraft_EndsThere()
    {
        using GgufChatModel model = Load(On);
        int[] text = [.. Enumerable.Range(300, 40)];
        for (int at = 5; at < 30; at++)
        {
            GenerationRequest request = Replayed(text, text) with { StopTokens = new HashSet<int> { text[at] } };
            Assert.Equal(text[..(at + 1)], await Collect(model.Submit(request)));
        }

        AssertDrafts(model, wrong: false);
        Assert.Equal(0, model.Cache.Used);
    }

    [Fact]
    public async Task Submit_ToTheEndOfTheContext_SameTokensAndNoPageMore()
    {
        using GgufChatModel reference = Load(Off);
        int length = 3 * KvLayout.PageLength;
        using GgufChatModel model = Load(On with { CacheBytes = 3 * reference.Cache.PageBytes, ContextLength = length });
        Assert.Equal(3, model.Cache.Capacity);
        GenerationRequest request = Endless(model, Text, Known["greedy"], 1);
        request = request with { MaxTokens = length - request.Tokens.Length };
        int[] whole = await Collect(model.Submit(request));
        Assert.Equal(length, request.Tokens.Length + whole.Length);
        Assert.Equal(await Collect(reference.Submit(request)), whole);
        AssertDrafts(model);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(6)]
    public async Task Submit_PagesForOneOrTwo_PreemptsWithTheSameTokens(int pages)
    {
        using GgufChatModel reference = Load(Off with { PrefixCache = false }), model = Load(On with { CacheBytes = pages * reference.Cache.PageBytes });
        GenerationRequest[] requests = [.. Enumerable.Range(0, 6).Select(i => Endless(model, $"{i}. {Text}", Known["greedy"], 80))];
        Assert.All(requests, static r => Assert.InRange(r.Tokens.Length + r.MaxTokens, 2 * KvLayout.PageLength, 3 * KvLayout.PageLength));
        int[][] expected = await Task.WhenAll(requests.Select(r => Collect(reference.Submit(r))));
        Assert.Equal(expected, await Task.WhenAll(requests.Select(r => Collect(model.Submit(r)))));
        AssertDrafts(model);
        Assert.Equal(0, model.Cache.Used);
    }

    [Fact]
    public async Task Submit_ConversationThatGrows_TakesThePagesThatDraftsHelpedToFill()
    {
        using GgufChatModel model = Load(On), reference = Load(Off);
        GenerationRequest first = Endless(model, Text, Known["greedy"], 150);
        int[] answer = await Collect(model.Submit(first));
        int[] tokens = [.. first.Tokens, .. answer, .. model.EncodeChat(Messages("And then?"))];
        GenerationRequest next = first with { Tokens = tokens, PromptLength = tokens.Length, MaxTokens = 60 };
        Generation generation = model.Submit(next);
        Assert.Equal(await Collect(reference.Submit(next)), await Collect(generation));
        int computed = first.Tokens.Length + answer.Length - 1; // an answer's last token is drawn and never computed
        Assert.Equal(computed / KvLayout.PageLength * KvLayout.PageLength, await generation.CachedTokens);
    }

    [Fact]
    public async Task Submit_AnswerRepeatsThePrompt_NearlyAllOfItIsDrafted()
    {
        using GgufChatModel model = Load(On);
        int[] text = [.. Enumerable.Range(300, 100)];
        Assert.Equal(text, await Collect(model.Submit(Replayed(text, text))));
        Assert.InRange(model.Drafts.Accepted, 70, 99);
        Assert.Equal(model.Drafts.Drafted, model.Drafts.Accepted);
        Assert.Equal(text, await Collect(model.Submit(Replayed(text, text) with { Speculation = false })));
        Assert.InRange(model.Drafts.Accepted, 70, 99);
    }

    [Fact]
    public async Task Cancel_WhileDrafting_FreesThePages()
    {
        using GgufChatModel model = Load(On);
        Generation generation = model.Submit(Endless(model, Text, Known["greedy"], 600));
        while (model.Drafts.Drafted == 0)
        {
            await generation.Tokens.ReadAsync(TestContext.Current.CancellationToken);
        }

        generation.Cancel();
        await Collect(generation);
        Assert.Equal(0, model.Cache.Used);
    }

    private static void AssertDrafts(GgufChatModel model, bool wrong = true)
    {
        (long drafted, long accepted) = model.Drafts;
        Assert.InRange(accepted, 1, wrong ? drafted - 1 : drafted); // or the test compares nothing
    }

    private static GgufChatModel Load(EngineOptions options) => GgufChatModel.Load(TestData.DemoModel, options);

    // a bias against every ending token keeps an answer going to its last allowed token
    private static GenerationRequest Endless(GgufChatModel model, string text, SamplingOptions sampling, int maxTokens)
    {
        int[] prompt = model.EncodeChat(Messages(text));
        Dictionary<int, float> bias = Enumerable.Range(0, model.VocabularyLength).Where(model.EndsAnswer).ToDictionary(static id => id, static _ => -100f);
        return new GenerationRequest(prompt, prompt.Length, maxTokens, sampling with { LogitBias = bias }, "tester");
    }

    private static GenerationRequest Replayed(int[] prompt, int[] answer) =>
        new(prompt, prompt.Length, answer.Length, new SamplingOptions(), "tester") { Replay = answer };

    private static JsonObject Messages(string text) =>
        new() { ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = text }) };

    private static async Task<int[]> Collect(Generation generation)
    {
        List<int> tokens = [];
        await foreach (int token in generation.Tokens.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            tokens.Add(token);
        }

        return [.. tokens];
    }
}
