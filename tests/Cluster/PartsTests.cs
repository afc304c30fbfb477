using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Cluster.Tests;

/// <summary>Reasoning, text, calls and logprobs as a conversation's events, also where they go on elsewhere.</summary>
public sealed class PartsTests
{
    private const string Tools = """[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object"}}}]""";

    private static StubChatModel AtOnce() => new(new StubOptions { Text = "It is sunny.", TokenInterval = TimeSpan.Zero }, TimeProvider.System);

    private static ChatRequest Question(string text = "Hello") => Requests.Hello() with
    {
        Messages = [new("user", text)],
        Tools = new(Tools),
        Thinking = new(Enabled: true),
    };

    [Fact]
    public async Task Ask_Thinking_IsApartFromTheText()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var events = await cluster.Conversation().Answer(Question());
        string reasoning = string.Concat(events.OfType<ReasoningDelta>().Select(delta => delta.Text));
        Assert.StartsWith("I am a stub", reasoning);
        Assert.Equal("It is sunny.", events.Text());
        var finish = events.Finish();
        Assert.Equal("stop", finish.Reason);
        // the mark's last token belongs to what it ends
        Assert.Equal(reasoning.Length + "\n".Length + "\n</think>".Length, finish.ReasoningTokens);
        var known = await cluster.Conversation().Read();
        Assert.Equal((reasoning, "It is sunny."), (known!.Reasoning, known.Text));
    }

    [Fact]
    public async Task Ask_BudgetOfThinking_EndsIt()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var events = await cluster.Conversation().Answer(Question() with { Thinking = new(true, null, Budget: 7) });
        Assert.Equal("I am a", string.Concat(events.OfType<ReasoningDelta>().Select(delta => delta.Text)));
        Assert.Equal("It is sunny.", events.Text());
    }

    [Fact]
    public async Task Ask_Call_HasIdNameAndArguments()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var events = await cluster.Conversation("asked").Answer(Question("""get_weather {"city": "Paris"}"""));
        var content = new AnswerContent();
        events.ForEach(content.Add);
        var call = Assert.Single(content.ToolCalls);
        Assert.Equal(("get_weather", """{"city":"Paris"}"""), (call.Name, call.Arguments));
        Assert.Equal("tool_calls", events.Finish().Reason);
        Assert.Equal(call, Assert.Single((await cluster.Conversation("asked").Read())!.ToolCalls));
        var other = await cluster.Conversation("other").Answer(Question("get_weather"));
        Assert.NotEqual(call.Id, other.OfType<ToolCallDelta>().First().CallId);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public async Task GoOn_AfterEachEvent_GivesTheSamePartsAndLogprobs(bool readerHasTokens, bool logprobs)
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var question = Question(logprobs ? "Hello" : "get_weather") with { TopLogprobs = logprobs ? 1 : null };
        var whole = await cluster.Conversation("whole").Answer(question);
        Assert.Equal(logprobs ? "It is sunny.".Length : 0, whole.OfType<TextDelta>().Sum(delta => delta.Logprobs?.Count ?? 0));
        for (int after = 0; after <= whole.Count; after += 3)
        {
            var tokens = whole.Take(after).OfType<AnswerDelta>().SelectMany(delta => delta.Tokens).ToArray();
            // another silo would know it by the same name
            var rest = await cluster.Conversation("whole").Rest(readerHasTokens ? question : null, new AnswerCursor(after, readerHasTokens ? tokens : null));
            Assert.Equal(whole.Skip(Math.Min(after, whole.Count - 1)).Select(Comparable), rest.Select(Comparable));
        }
    }

    [Fact]
    public async Task Ask_LogprobsOfHeldBackText_ComeWithTheTextOnly()
    {
        await using var cluster = await StubCluster.Start(new StubChatModel(
            new StubOptions { Text = "<think>hm</think> ab <tool_call>{\"name\":\"f\"}</tool_call>", TokenInterval = TimeSpan.Zero }, TimeProvider.System));
        var events = await cluster.Conversation().Answer(Requests.Hello() with { Tools = new(Tools), TopLogprobs = 0 });
        var told = events.OfType<TextDelta>().SelectMany(delta => delta.Logprobs!).ToList();
        Assert.Equal("ab", string.Concat(told.Select(token => (char)token.Token)));
        Assert.All(told, token => Assert.Equal((0f, 0, 1), (token.Logprob, token.Top.Count, token.Bytes.Length)));
    }

    [Fact]
    public async Task Ask_RawPrompt_IsContinuedWithoutTemplateOrParts()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var events = await cluster.Conversation().Answer(Requests.Hello() with { Messages = [], Prompt = new("One", null), MinTokens = 20 });
        Assert.Equal("One".Length, Assert.IsType<AnswerStarted>(events[0]).PromptTokens);
        Assert.Equal("It is sunny.It is sunny. ", events.Text());
        var refusal = await cluster.Conversation("odd").Refusal(Requests.Hello() with { Prompt = new(null, [5, 999]) });
        Assert.Equal(ChatError.InvalidPrompt, refusal.Error);
    }

    [Fact]
    public async Task Ask_TooLongAndMayBeCut_LeavesOutTheOldestTurns()
    {
        await using var cluster = await StubCluster.Start(new StubChatModel(new StubOptions { ContextLength = 100, TokenInterval = TimeSpan.Zero, Text = "Yes." }, TimeProvider.System));
        ChatMessage[] messages =
            [new("system", "Be brief."), new("user", new string('a', 40)), new("assistant", "b"), new("user", new string('c', 20)), new("assistant", "d"), new("user", "e")];
        var long_ = Requests.Hello(maxTokens: 10) with { Messages = messages };
        Assert.Equal(ChatError.ContextLengthExceeded, (await cluster.Conversation("refused").Refusal(long_)).Error);
        var events = await cluster.Conversation().Answer(long_ with { TruncatePrompt = true });
        var started = Assert.IsType<AnswerStarted>(events[0]);
        int dropped = "user: \n".Length + 40 + "assistant: b\n".Length;
        Assert.Equal((dropped, dropped), (started.DroppedTokens, events.Finish().DroppedTokens));
        var last = await cluster.Conversation("last").Refusal(long_ with { Messages = [new("user", new string('a', 200))], TruncatePrompt = true });
        Assert.Equal(ChatError.ContextLengthExceeded, last.Error);
    }

    private static string Comparable(GenerationEvent happened) => happened switch
    {
        TextDelta text => $"{text.Number} text {text.Text} {string.Join(',', text.Tokens)} {string.Join(',', text.Logprobs?.Select(token => $"{token.Token}:{token.Logprob}") ?? [])}",
        ReasoningDelta reasoning => $"{reasoning.Number} reasoning {reasoning.Text} {string.Join(',', reasoning.Tokens)}",
        ToolCallDelta call => $"{call.Number} call {call.CallId} {call.Name} {call.Arguments} {string.Join(',', call.Tokens)}",
        _ => $"{happened}",
    };
}
