using System.Text.Json.Nodes;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Tests.Serving;

/// <summary>What a request may ask of the batch loop beside sampling: logprobs, a least length, a bound on reasoning. None of it may
/// depend on drafts, or on where an answer goes on.</summary>
public sealed class AnswerShapingTests
{
    private const string Text = "A silo is a node. A node runs grains. A grain is an actor. Repeat: a silo is a node, a node runs grains, a grain is an actor. ";

    private static readonly EngineOptions s_options = new() { Threads = 2, ModelId = "demo", Kind = ModelKind.Demo, CacheBytes = 64 << 20 };

    [Fact]
    public async Task Submit_Logprobs_ChangeNoTokenAndAreTheSameWithDraftsAndAfterAResume()
    {
        using GgufChatModel model = Load(s_options), reference = Load(s_options with { Speculation = false });
        GenerationRequest request = Endless(Request(model, 120), model);
        (int[] plain, _) = await Collect(reference.Submit(request));
        (int[] tokens, List<TokenLogprobs> told) = await Collect(reference.Submit(request with { TopLogprobs = 3 }));
        Assert.Equal(plain, tokens);
        Assert.Equal(tokens, told.Select(one => one.Token));
        (int[] drafted, List<TokenLogprobs> toldDrafted) = await Collect(model.Submit(request with { TopLogprobs = 3 }));
        Assert.Equal((tokens.Length, told.Count), (drafted.Length, toldDrafted.Count));
        Assert.True(model.Drafts.Accepted > 0, "no draft was taken: nothing was compared");
        AssertSame(told, toldDrafted);
        GenerationRequest rest = request with { Tokens = [.. request.Tokens, .. tokens[..20]], MaxTokens = 100, TopLogprobs = 3 };
        AssertSame(told[20..], (await Collect(model.Submit(rest))).Told);
        Assert.All(told, one => Assert.InRange(one.Logprob, -50, 0));
    }

    [Fact]
    public async Task Submit_MinTokens_DoesNotEndBefore()
    {
        using GgufChatModel model = Load(s_options);
        GenerationRequest request = Request(model, 200);
        (int[] free, _) = await Collect(model.Submit(request));
        Assert.True(model.EndsAnswer(free[^1]));
        (int[] longer, _) = await Collect(model.Submit(request with { MinTokens = free.Length + 10 }));
        Assert.InRange(longer.Length, free.Length + 11, 200);
        Assert.Equal(free[..^1], longer[..(free.Length - 1)]);
    }

    [Fact]
    public async Task Submit_ThinkingBudget_PutsTheEndInAtTheSamePlaceWherever()
    {
        using GgufChatModel model = Load(s_options), reference = Load(s_options with { Speculation = false });
        GenerationRequest request = Endless(Request(model, 40), model);
        (int[] free, _) = await Collect(reference.Submit(request));
        int[] closing = model.EncodeText("\n</think>\n", addBegin: false, parseSpecial: true);
        request = request with { Thinking = new ThinkingBudget([free[0]], closing, closing, 6) };
        (int[] bound, _) = await Collect(reference.Submit(request));
        Assert.Equal(free[..7], bound[..7]);
        Assert.Equal(closing, bound[7..(7 + closing.Length)]);
        Assert.Equal(bound, (await Collect(model.Submit(request))).Tokens);
        GenerationRequest rest = request with { Tokens = [.. request.Tokens, .. bound[..9]], MaxTokens = 31 };
        Assert.Equal(bound[9..], (await Collect(model.Submit(rest))).Tokens);
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("b", null)]
    [InlineData("b12", null)]
    [InlineData("b123", 'n')]
    [InlineData("b123n", 'e')]
    [InlineData("b123ne", 'n')]
    [InlineData("b123nen", null)]
    [InlineData("b1e2", null)]
    [InlineData("b12ex", null)]
    [InlineData("x123", null)]
    public void Next_AnyBeginning_ClosesOnlyReasoningThatIsOpen(string answer, char? forced)
    {
        var budget = new ThinkingBudget(['b'], ['e'], ['n', 'e', 'n'], 3);
        Assert.Equal((int?)forced, budget.Next([.. answer.Select(letter => (int)letter)]));
    }

    private static void AssertSame(List<TokenLogprobs> expected, List<TokenLogprobs> found) =>
        Assert.Equal(expected.Select(one => $"{one.Token} {one.Logprob:R} {string.Join(' ', one.Top)}"), found.Select(one => $"{one.Token} {one.Logprob:R} {string.Join(' ', one.Top)}"));

    private static GgufChatModel Load(EngineOptions options) => GgufChatModel.Load(TestData.DemoModel, options);

    private static GenerationRequest Request(GgufChatModel model, int maxTokens)
    {
        int[] prompt = model.EncodeChat(new() { ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = Text }) });
        return new GenerationRequest(prompt, prompt.Length, maxTokens, new SamplingOptions { Temperature = 0.3f, Seed = 4 }, "tester");
    }

    // a bias against every ending token keeps an answer going to its last allowed token
    private static GenerationRequest Endless(GenerationRequest request, GgufChatModel model) => request with
    {
        Sampling = request.Sampling with
        {
            Temperature = 0,
            LogitBias = Enumerable.Range(0, model.VocabularyLength).Where(model.EndsAnswer).ToDictionary(static id => id, static _ => -100f),
        },
    };

    private static async Task<(int[] Tokens, List<TokenLogprobs> Told)> Collect(Generation generation)
    {
        List<int> tokens = [];
        List<TokenLogprobs> told = [];
        await foreach (int token in generation.Tokens.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            tokens.Add(token);
            if (generation.Logprobs is { } logprobs && logprobs.TryRead(out TokenLogprobs? one))
                told.Add(one);
        }

        return ([.. tokens], told);
    }
}
