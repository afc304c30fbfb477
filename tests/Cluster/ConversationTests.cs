using System.Text;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Cluster.Tests;

public sealed class ConversationTests
{
    private static StubChatModel AtOnce(string text = "Hello, world. Hello again.", int context = 100) =>
        new(new StubOptions { Text = text, TokenInterval = TimeSpan.Zero, ContextLength = context }, TimeProvider.System);

    [Fact]
    public async Task Ask_Stub_StreamsConsecutiveEventsFromStartToFinish()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var events = await cluster.Conversation().Answer(Requests.Hello());

        Assert.Equal(Enumerable.Range(1, events.Count).Select(number => (long)number), events.Select(happened => happened.Number));
        var started = Assert.IsType<AnswerStarted>(events[0]);
        Assert.Equal(("stub", "user: Hello\n".Length, 100, 100 - "user: Hello\n".Length, "stub"),
            (started.Model, started.PromptTokens, started.ContextLength, started.MaxTokens, started.Identity));
        Assert.NotEmpty(started.Silo);
        Assert.Equal(new PrefillStarted(2, 0), events[1]);
        Assert.Equal("Hello, world. Hello again.", events.Text());
        Assert.Equal(new AnswerFinished(events.Count, "stop", started.PromptTokens, "Hello, world. Hello again.".Length + 1, 0), events.Finish());
    }

    [Fact]
    public async Task Ask_TokensThatWaitAlready_AreEventsOfTheirOwn()
    {
        await using var cluster = await StubCluster.Start(AtOnce("é!"));
        var events = await cluster.Conversation().Answer(Requests.Hello());
        Assert.Equal([("é", [0xC3, 0xA9]), ("!", [0x21])], events.OfType<TextDelta>().Select(delta => (delta.Text, (int[])[.. delta.Tokens])));
    }

    [Fact]
    public async Task Ask_TokensOneByOne_NeverSplitsACharacter()
    {
        const string Text = "é 漢 🙂";
        var time = new SteppedTime();
        await using var cluster = await StubCluster.Start(new StubChatModel(new StubOptions { Text = Text }, time));
        var answer = cluster.Conversation().Answer(Requests.Hello());
        for (var token = 0; token <= Encoding.UTF8.GetByteCount(Text); token++) await time.Step();

        var deltas = (await answer).OfType<TextDelta>().Select(delta => delta.Text).ToArray();
        Assert.Equal(Text, string.Concat(deltas));
        Assert.All(deltas, delta => Assert.False(char.IsHighSurrogate(delta[^1]) || char.IsLowSurrogate(delta[0]) || delta.Contains('\uFFFD')));
    }

    [Fact]
    public async Task Ask_StopString_CutsBeforeItAndFreesTheModel()
    {
        var model = AtOnce();
        await using var cluster = await StubCluster.Start(model);
        var events = await cluster.Conversation().Answer(Requests.Hello(stop: ["world"]));

        Assert.Equal("Hello, ", events.Text());
        Assert.Equal(("stop", "Hello, world".Length), (events.Finish().Reason, events.Finish().CompletionTokens));
        await model.WhenIdle();
    }

    [Fact]
    public async Task Ask_MaxTokens_EndsWithLength()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var events = await cluster.Conversation().Answer(Requests.Hello(maxTokens: 5));
        Assert.Equal(("Hello", "length", 5), (events.Text(), events.Finish().Reason, events.Finish().CompletionTokens));
    }

    [Fact]
    public async Task Ask_TextHeldBackForAStopString_IsShownAtTheEnd()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var events = await cluster.Conversation().Answer(Requests.Hello(maxTokens: 5, stop: ["lo and behold"]));
        Assert.Equal(("Hello", "length"), (events.Text(), events.Finish().Reason));
    }

    [Fact]
    public async Task Ask_NoMaxTokens_FillsTheContextAndNoMore()
    {
        await using var cluster = await StubCluster.Start(AtOnce(context: "user: Hello\n".Length + 3));
        var events = await cluster.Conversation().Answer(Requests.Hello());
        Assert.Equal(("Hel", "length"), (events.Text(), events.Finish().Reason));
    }

    [Fact]
    public async Task Ask_Again_AnswersAgainWithNumbersFromOne()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var first = await cluster.Conversation().Answer(Requests.Hello());
        var second = await cluster.Conversation().Answer(Requests.Hello());
        Assert.Equal(first.Select(happened => happened.ToString()), second.Select(happened => happened.ToString()));
    }

    [Fact]
    public async Task Ask_WhileAnswering_IsRefusedAndHarmsNothing()
    {
        var time = new SteppedTime();
        var model = new StubChatModel(new StubOptions { Text = "ab" }, time);
        await using var cluster = await StubCluster.Start(model);
        await using var answer = cluster.Conversation().Begin(Requests.Hello());
        Assert.True(await answer.MoveNextAsync());

        var refusal = await cluster.Conversation().Refusal(Requests.Hello());
        Assert.Equal(ChatError.Busy, refusal.Error);
        Assert.Equal(1, model.ActiveGenerations);

        await time.Step();
        Assert.Equal("a", (await answer.NextText()).Text);
    }

    [Fact]
    public async Task Read_BeforeDuringAndAfter_TellsHowFarTheAnswerIs()
    {
        var time = new SteppedTime();
        await using var cluster = await StubCluster.Start(new StubChatModel(new StubOptions { Text = "a" }, time));
        var conversation = cluster.Conversation();
        Assert.Null(await conversation.Read());

        await using var answer = conversation.Begin(Requests.Hello());
        Assert.True(await answer.MoveNextAsync());
        var during = await conversation.Read();
        Assert.Equal((null, "", 0), (during!.FinishReason, during.Text, during.Tokens.Count));

        await time.Step();
        await time.Step();
        while (await answer.MoveNextAsync()) { }
        await cluster.Deactivate(conversation);
        var after = await conversation.Read();
        Assert.Equal(("stop", "a", "stub", 7ul), (after!.FinishReason, after.Text, after.Identity, after.Request.Sampling.Seed));
        Assert.Equal([(int)'a', StubChatModel.EndToken], after.Tokens);
    }
}
