using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Sampling.Constraints;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Tests.Serving;

/// <summary>Constrained answers of the demo model: they keep to the constraint, and the tokens are the same alone, in a batch,
/// with drafts, and when an answer goes on elsewhere.</summary>
public sealed class ConstrainedAnswerTests
{
    private const string Schema = """
        {"type":"object","properties":{"name":{"type":"string","minLength":1,"maxLength":12},"age":{"type":"integer","minimum":0,"maximum":150},
        "tags":{"type":"array","items":{"enum":["red","green","blue"]},"maxItems":3},"note":{"type":["string","null"],"maxLength":20}},
        "required":["name","age"],"additionalProperties":false}
        """;

    private static readonly EngineOptions On = new() { Threads = 2, ModelId = "demo", Kind = ModelKind.Demo, CacheBytes = 64 << 20 };

    [Fact]
    public async Task Submit_Schema_EveryAnswerFulfilsIt()
    {
        using GgufChatModel model = GgufChatModel.Load(TestData.DemoModel, On);
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(seed => Text(model, Request(model, new(ConstraintKind.JsonSchema, Schema), (ulong)seed))));
        foreach (string answer in answers)
        {
            JsonElement person = JsonDocument.Parse(answer).RootElement;
            Assert.InRange(person.GetProperty("name").GetString()!.EnumerateRunes().Count(), 1, 12);
            Assert.InRange(person.GetProperty("age").GetInt32(), 0, 150);
        }

        Assert.True(answers.Distinct().Count() > 6, string.Join('\n', answers));
    }

    [Theory]
    [InlineData(ConstraintKind.Regex, "(?:[A-Z][a-z]{1,8} ){3}\\d{2}", @"^(?:[A-Z][a-z]{1,8} ){3}\d{2}$")]
    [InlineData(ConstraintKind.Choice, """["red","green","dark blue"]""", "^(red|green|dark blue)$")]
    [InlineData(ConstraintKind.Grammar, "root ::= (\"(\" root \")\") | [0-9]{1,3}", @"^\(*\d{1,3}\)*$")]
    public async Task Submit_OtherKinds_EveryAnswerKeepsToThem(ConstraintKind kind, string source, string expected)
    {
        using GgufChatModel model = GgufChatModel.Load(TestData.DemoModel, On);
        for (ulong seed = 0; seed < 5; seed++)
        {
            GenerationRequest request = Request(model, new(kind, source), seed);
            string answer = await Text(model, request with { Sampling = request.Sampling with { LogitBias = kind == ConstraintKind.Grammar ? Against(model, "(") : request.Sampling.LogitBias } });
            Assert.Matches(expected, answer);
        }
    }

    [Fact]
    public async Task Submit_InABatchWithOthersAndDrafts_SameTokensAsAlone()
    {
        using GgufChatModel drafting = GgufChatModel.Load(TestData.DemoModel, On), plain = GgufChatModel.Load(TestData.DemoModel, On with { Speculation = false });
        // a list of the same three words repeats itself, so that drafts are made, and some are forbidden
        ConstraintSource list = new(ConstraintKind.JsonSchema, """{"type":"array","items":{"enum":["red","green","blue"]},"minItems":30,"maxItems":40}""");
        ConstraintSource[] sources = [list, new(ConstraintKind.JsonSchema, Schema), list, new(ConstraintKind.Regex, "(?:ab|ba|[a-c]{3}){40}")];
        int[][] expected = await Task.WhenAll(sources.Select((source, i) => Tokens(plain, Request(plain, source, (ulong)i))));
        for (int i = 0; i < sources.Length; i++)
        {
            Assert.Equal(expected[i], await Tokens(drafting, Request(drafting, sources[i], (ulong)i)));
        }

        int[][] together = await Task.WhenAll(sources.Select((source, i) => Tokens(drafting, Request(drafting, source, (ulong)i)))
            .Concat(Enumerable.Range(0, 4).Select(i => Tokens(drafting, Request(drafting, null, (ulong)i)))));
        Assert.Equal(expected, together[..sources.Length]);
        Assert.InRange(drafting.Drafts.Accepted, 1, drafting.Drafts.Drafted);
        Assert.Equal((0, 0), plain.Drafts);
    }

    [Fact]
    public async Task Submit_MaskIsLate_NobodyElseWaitsAndTheTokensAreTheSame()
    {
        using GgufChatModel model = GgufChatModel.Load(TestData.DemoModel, On), other = GgufChatModel.Load(TestData.DemoModel, On);
        ConstraintSource counted = new(ConstraintKind.Regex, "[a-z ]{60}");
        GenerationRequest request = Request(model, counted, seed: 9);
        using ManualResetEventSlim gate = new();
        new StepMasks(request.Constraint!, default, [], 0, gate.Wait).Begin(); // who makes masks is busy until the gate opens
        Generation late = model.Submit(request), leaves = model.Submit(request);
        Assert.NotEmpty(await Tokens(model, Request(model, null, 1)));
        leaves.Cancel();
        await Collect(leaves);
        Assert.False(late.Tokens.Completion.IsCompleted);
        gate.Set();
        Assert.Equal(await Tokens(other, Request(other, counted, seed: 9)), await Collect(late));
        Assert.Equal(0, model.Cache.Used);
    }

    [Fact]
    public async Task Resume_FromAnyToken_GoesOnWithTheSameTokens()
    {
        using GgufChatModel model = GgufChatModel.Load(TestData.DemoModel, On), elsewhere = GgufChatModel.Load(TestData.DemoModel, On);
        GenerationRequest request = Request(model, new(ConstraintKind.JsonSchema, Schema), seed: 4);
        int[] whole = await Tokens(model, request);
        for (int known = 1; known < whole.Length; known += 3)
        {
            GenerationRequest resumed = Request(elsewhere, new(ConstraintKind.JsonSchema, Schema), seed: 4) with
            {
                Tokens = [.. request.Tokens, .. whole[..known]],
                MaxTokens = request.MaxTokens - known,
            };
            Assert.Equal(whole[known..], await Tokens(elsewhere, resumed));
        }
    }

    [Fact]
    public async Task Resume_TokensThatDoNotKeepToIt_FailsAloneAndSaysWhy()
    {
        using GgufChatModel model = GgufChatModel.Load(TestData.DemoModel, On);
        GenerationRequest request = Request(model, new(ConstraintKind.Choice, """["red"]"""), seed: 1);
        Generation wrong = model.Submit(request with { Tokens = [.. request.Tokens, request.Tokens[^1]] });
        Generation neighbour = model.Submit(request);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => Collect(wrong));
        Assert.Contains("do not keep to its constraint", failure.Message, StringComparison.Ordinal);
        Assert.NotEmpty(await Collect(neighbour));
        Assert.Equal(0, model.Cache.Used);
    }

    [Fact]
    public void Submit_CompiledForAnotherVocabulary_IsRefused()
    {
        using GgufChatModel model = GgufChatModel.Load(TestData.DemoModel, On);
        ConstraintCompiler other = new(() => new ConstraintVocabulary(3, static token => [(byte)('a' + token)], static _ => false, static token => token == 2));
        Assert.Throws<ArgumentException>(() => model.Submit(Request(model, null, 1) with { Constraint = other.Compile(new(ConstraintKind.Regex, "ab")) }));
    }

    private static Dictionary<int, float> Against(GgufChatModel model, string text) =>
        Enumerable.Range(0, model.VocabularyLength).Where(t => Encoding.UTF8.GetString(model.VisibleBytes(t)).Contains(text, StringComparison.Ordinal)).ToDictionary(static t => t, static _ => -3f);

    private static GenerationRequest Request(GgufChatModel model, ConstraintSource? source, ulong seed)
    {
        int[] prompt = model.EncodeChat(new JsonObject { ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Tell me about a fox." }) });
        return new GenerationRequest(prompt, prompt.Length, 220, new SamplingOptions { Temperature = 1, TopP = 1, Seed = seed }, "tester")
        {
            Constraint = source is null ? null : model.Compile(source, prompt),
        };
    }

    private static async Task<string> Text(GgufChatModel model, GenerationRequest request) =>
        Encoding.UTF8.GetString([.. (await Tokens(model, request)).SelectMany(token => model.VisibleBytes(token).ToArray())]);

    private static Task<int[]> Tokens(GgufChatModel model, GenerationRequest request) => Collect(model.Submit(request));

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
