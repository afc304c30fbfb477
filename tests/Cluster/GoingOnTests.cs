using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Cluster.Tests;

/// <summary>An answer that goes on after any event, with what its reader has or with what is on record, is the same answer.</summary>
public sealed class GoingOnTests
{
    private const string Text = "é 漢 🙂 one two three STOP four";

    private static StubChatModel AtOnce(string text = Text) => new(new StubOptions { Text = text, TokenInterval = TimeSpan.Zero }, TimeProvider.System);

    private static ChatRequest Question => Requests.Hello(stop: ["STOP", "two thirds"]);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task GoOn_AfterEachEvent_GivesTheRestOfTheSameEvents(bool readerHasTokens)
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var whole = await cluster.Conversation("whole").Answer(Question);
        Assert.Equal("é 漢 🙂 one two three ", whole.Text());
        for (int after = 0; after <= whole.Count; after++)
        {
            var tokens = whole.Take(after).OfType<TextDelta>().SelectMany(delta => delta.Tokens).ToArray();
            var conversation = cluster.Conversation(readerHasTokens ? $"conversation-{after}" : "whole");
            var rest = await conversation.Rest(readerHasTokens ? Question : null, new AnswerCursor(after, readerHasTokens ? tokens : null));
            Assert.Equal(whole.Skip(Math.Min(after, whole.Count - 1)).Select(Comparable), rest.Select(Comparable));
        }
    }

    [Fact]
    public async Task GoOn_ModelOfOtherContent_IsRefused()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var refusal = await Assert.ThrowsAsync<ChatException>(() => cluster.Conversation().Rest(Question, new AnswerCursor(2, [], 0, "other")));
        Assert.Equal(ChatError.ModelDiffers, refusal.Error);
    }

    [Theory]
    [InlineData(new[] { 257 }, "Token 1 of the 1 known")]
    [InlineData(new[] { StubChatModel.EndToken, 65 }, "Token 2 of the 2 known")]
    public async Task GoOn_TokensThatCannotBe_IsRefused(int[] tokens, string expected)
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var refusal = await Assert.ThrowsAsync<ChatException>(() => cluster.Conversation().Rest(Question, new AnswerCursor(3, tokens)));
        Assert.Equal(ChatError.ModelDiffers, refusal.Error);
        Assert.StartsWith(expected, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GoOn_ReaderAndRecordDiffer_IsRefused()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        await cluster.Conversation().Answer(Question);
        var refusal = await Assert.ThrowsAsync<ChatException>(() => cluster.Conversation().Rest(Question, new AnswerCursor(3, [65])));
        Assert.Equal(ChatError.ModelDiffers, refusal.Error);
    }

    [Fact]
    public async Task GoOn_NothingAsked_IsNotFound()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var refusal = await Assert.ThrowsAsync<ChatException>(() => cluster.Conversation().Rest(null, new AnswerCursor(0)));
        Assert.Equal(ChatError.AnswerNotFound, refusal.Error);
    }

    [Fact]
    public async Task GoOn_WhileAnotherReads_TakesTheAnswerOver()
    {
        var time = new SteppedTime();
        var model = new StubChatModel(new StubOptions { Text = "ab" }, time);
        await using var cluster = await StubCluster.Start(model);
        await using var first = cluster.Conversation().Begin(Requests.Hello());
        var step = time.Step();
        Assert.Equal("a", (await first.NextText()).Text);
        await step;
        var next = first.NextText();
        var rest = cluster.Conversation().Rest(null, new AnswerCursor(3));
        Assert.Equal(ChatError.TakenOver, (await Assert.ThrowsAsync<ChatException>(() => next)).Error);
        while (!rest.IsCompleted) await Task.WhenAny(rest, time.Step()); // some steps are the first reader's, which nobody waits for
        Assert.Equal("b", (await rest).Text());
    }

    [Fact]
    public async Task GoOn_AnEarlierAttemptComesLate_DisturbsNothing()
    {
        var time = new SteppedTime();
        await using var cluster = await StubCluster.Start(new StubChatModel(new StubOptions { Text = "ab" }, time));
        var reader = new AnswerCursor(0, [], Reader: Guid.NewGuid());
        await using var second = cluster.Conversation().GoOn(Question, reader with { Attempt = 2 }, TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await second.MoveNextAsync());
        var late = await Assert.ThrowsAsync<ChatException>(() => cluster.Conversation().Rest(Question, reader with { Attempt = 1 }));
        Assert.Equal(ChatError.TakenOver, late.Error);
        var step = time.Step();
        Assert.Equal("a", (await second.NextText()).Text);
        await step;
    }

    [Fact]
    public async Task Ask_ShorterContextElsewhere_KeepsTheLengthOfTheFirst()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var request = Requests.Hello() with { MaxTokens = 9 };
        var whole = await cluster.Conversation("whole").Answer(request);
        var rest = await cluster.Conversation("whole").Rest(request with { MaxTokens = 20 }, new AnswerCursor(3));
        Assert.Equal(whole.Finish(), rest.Finish());
    }

    [Fact]
    public async Task Ask_WaitingForItsFirstToken_ShowsSignsOfLife()
    {
        await using var cluster = await StubCluster.Start(new StubChatModel(new StubOptions(), new SteppedTime()));
        await using var answer = cluster.Conversation().Begin(Requests.Hello());
        for (int number = 1; number <= 2; number++)
        {
            Assert.True(await answer.MoveNextAsync());
            Assert.Equal(number, answer.Current.Number);
        }
        Assert.True(await answer.MoveNextAsync());
        Assert.Equal(new KeepAlive(2), answer.Current);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("[A-Z][a-z]{2,6}( [a-z]{1,8}){5,9}[.]")]
    public async Task GoOn_DemoModelSampledHot_GivesTheSameTextFromEveryEvent(string? form)
    {
        await using var cluster = await StubCluster.Start([.. ModelCatalog.From(new SmolClusterOptions { Models = [new() { Path = ModelCatalog.DemoPath }] })]);
        await cluster.Service<ModelHost>().Settled;
        var request = Requests.Hello(ModelCatalog.DemoId, maxTokens: form is null ? 40 : 90, stop: ["zzz"]) with
        {
            Sampling = new SamplingSettings { Temperature = 1.5f, TopP = 1, RepetitionPenalty = 1.1f, Seed = 99 },
            Constraint = form is null ? null : new AnswerConstraint(AnswerConstraintKind.Regex, form, "guided_regex"),
        };
        var whole = await cluster.Conversation("whole").Answer(request);
        if (form is not null) Assert.Matches($"^{form}$", string.Concat(whole.OfType<TextDelta>().Select(delta => delta.Text)));
        for (int after = 0; after < whole.Count; after += 7)
        {
            var tokens = whole.Take(after).OfType<TextDelta>().SelectMany(delta => delta.Tokens).ToArray();
            var rest = await cluster.Conversation($"after-{after}").Rest(request, new AnswerCursor(after, tokens, 0));
            Assert.Equal(whole.Skip(after).OfType<TextDelta>().Select(Comparable), rest.OfType<TextDelta>().Select(Comparable));
        }
    }

    private static string Comparable(GenerationEvent happened) =>
        happened is TextDelta delta ? $"{delta.Number} {delta.Text} {string.Join(',', delta.Tokens)}" : $"{happened}";
}
