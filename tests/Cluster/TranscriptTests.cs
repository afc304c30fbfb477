using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Cluster.Tests;

/// <summary>Conversations with their turns: asked, edited, answered again, gone on with, forked, and over a loss of the activation.</summary>
public sealed class TranscriptTests
{
    private const string Owner = "user:ann";

    private static StubChatModel AtOnce(string text = "Hello.") => new(new StubOptions { Text = text, TokenInterval = TimeSpan.Zero }, TimeProvider.System);

    [Fact]
    public async Task Post_Stub_KeepsQuestionAndAnswerAndTellsTheList()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var conversation = await cluster.NewTranscript();
        int answer = await conversation.Post(Owner, Question("What is\nit?"));
        var events = await conversation.Watched(answer);

        Assert.Equal(Enumerable.Range(1, events.Count).Select(number => (long)number), events.Select(happened => happened.Number));
        Assert.Equal(("Hello.", "stop"), (events.Text(), events.Finish().Reason));
        var kept = await conversation.Read(Owner);
        Assert.Equal([("user", "What is\nit?", 0), ("assistant", "Hello.", 1)], kept.Messages.Select(message => (message.Role, message.Content, message.Parent)));
        Assert.Equal(("What is", 2, "stop", 7), (kept.Title, kept.Head, kept.Messages[1].Answer!.FinishReason, kept.Messages[1].Answer!.CompletionTokens));
        Assert.NotNull(kept.Messages[1].Answer!.FirstTextSeconds);
        await cluster.Listed(entry => entry is { Title: "What is", Preview: "Hello.", Messages: 2 });
    }

    [Fact]
    public async Task Watch_AfterEachEventAndAfterTheActivation_GivesTheSameRest()
    {
        await using var cluster = await StubCluster.Start(AtOnce("é 漢 🙂!"));
        var conversation = await cluster.NewTranscript();
        int answer = await conversation.Post(Owner, Question());
        var whole = await conversation.Watched(answer);
        await cluster.Deactivate(conversation);
        for (int after = 0; after <= whole.Count; after++)
        {
            var rest = await conversation.Watched(answer, after);
            Assert.Equal(whole.Skip(Math.Min(after, whole.Count - 1)).Select(Comparable), rest.Select(Comparable));
        }
    }

    [Fact]
    public async Task Post_SecondQuestion_AnswersTheWholeBranchWithTheSystemMessage()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var conversation = await cluster.NewTranscript();
        await conversation.Watched(await conversation.Post(Owner, Question("one")));
        await conversation.Watched(await conversation.Post(Owner, Question("two") with { System = "Be kind." }));
        Assert.Equal("system: Be kind.\nuser: one\nassistant: Hello.\nuser: two\n".Length, (await conversation.Read(Owner)).Messages[3].Answer!.PromptTokens);
    }

    [Fact]
    public async Task Post_EditAndRegenerate_GrowTheTreeAndLoseNothing()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var conversation = await cluster.NewTranscript();
        await conversation.Watched(await conversation.Post(Owner, Question("one")));
        await conversation.Watched(await conversation.Post(Owner, new(1, null, Settings())));
        await conversation.Watched(await conversation.Post(Owner, Question("other") with { Parent = 0 }));
        var kept = await conversation.Read(Owner);
        Assert.Equal([0, 1, 1, 0, 4], kept.Messages.Select(message => message.Parent));
        Assert.Equal(5, kept.Head);
        Assert.Equal([2, 3], kept.SiblingsOf(kept.Messages[1]));
        Assert.Equal([1, 4], kept.SiblingsOf(kept.Messages[0]));
        Assert.Equal(3, (await conversation.Change(Owner, new(Head: 1))).Head);
    }

    [Fact]
    public async Task StopAnswer_InTheMiddle_KeepsWhatWasSaidAndCanGoOn()
    {
        var time = new SteppedTime();
        var model = new StubChatModel(new StubOptions { Text = "abcd" }, time);
        await using var cluster = await StubCluster.Start(model);
        var conversation = await cluster.NewTranscript();
        int answer = await conversation.Post(Owner, Question());
        await using (var events = conversation.Watch(Owner, answer, 0, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken))
        {
            var first = events.NextText();
            await time.Step();
            Assert.Equal("a", (await first).Text);
        }
        Assert.Equal(ChatError.Busy, (await Assert.ThrowsAsync<ChatException>(() => conversation.Post(Owner, Question()))).Error);
        await conversation.StopAnswer(Owner);
        var stopped = await conversation.Watched(answer);
        Assert.Equal(("a", "stopped"), (stopped.Text(), stopped.Finish().Reason));
        await model.WhenIdle();

        await conversation.GoOn(Owner, answer, maxTokens: null);
        var rest = conversation.Watched(answer);
        await time.StepUntil(rest);
        Assert.Equal(("abcd", "stop"), ((await rest).Text(), (await rest).Finish().Reason));
        Assert.Equal("abcd", (await conversation.Read(Owner)).Messages[1].Content);
    }

    [Fact]
    public async Task GoOn_AnswerCutByItsLength_IsTheLongerAnswer()
    {
        await using var cluster = await StubCluster.Start(AtOnce("é 漢 🙂!"));
        var conversation = await cluster.NewTranscript();
        int answer = await conversation.Post(Owner, Question() with { Request = Settings() with { MaxTokens = 4 } });
        Assert.Equal("length", (await conversation.Watched(answer)).Finish().Reason);
        await cluster.Deactivate(conversation);
        await conversation.GoOn(Owner, answer, maxTokens: null);
        Assert.Equal("é 漢 🙂!", (await conversation.Watched(answer)).Text());
        Assert.Equal(ChatError.MessageNotFound, (await Assert.ThrowsAsync<ChatException>(() => conversation.GoOn(Owner, answer, null))).Error);
    }

    [Fact]
    public async Task Watch_ActivationLostInTheMiddle_GoesOnAfterTheSameEvent()
    {
        var time = new SteppedTime();
        await using var cluster = await StubCluster.Start(new StubChatModel(new StubOptions { Text = "abcd" }, time));
        var conversation = await cluster.NewTranscript();
        int answer = await conversation.Post(Owner, Question());
        TextDelta seen;
        await using (var events = conversation.Watch(Owner, answer, 0, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken))
        {
            var first = events.NextText();
            await time.Step();
            seen = await first;
        }
        await cluster.Deactivate(conversation);
        var rest = conversation.Watched(answer, seen.Number);
        await time.StepUntil(rest);
        Assert.Equal(("abcd", seen.Number + 1, "stop"), (seen.Text + (await rest).Text(), (await rest)[0].Number, (await rest).Finish().Reason));
    }

    [Fact]
    public async Task Fork_AtAMessage_IsAConversationOfItsOwn()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var conversation = await cluster.NewTranscript();
        await conversation.Watched(await conversation.Post(Owner, Question("one")));
        await conversation.Watched(await conversation.Post(Owner, Question("two")));
        var fork = cluster.Transcript(await conversation.Fork(Owner, 2, "Fork"));
        await fork.Watched(await fork.Post(Owner, Question("three")));
        Assert.Equal(["one", "Hello.", "three", "Hello."], (await fork.Read(Owner)).Messages.Select(message => message.Content));
        Assert.Equal(["one", "Hello.", "two", "Hello."], (await conversation.Read(Owner)).Messages.Select(message => message.Content));
        await cluster.Listed(entry => entry is { Title: "Fork", Messages: 4 });
    }

    [Fact]
    public async Task Delete_Conversation_LeavesNothing()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var conversation = await cluster.NewTranscript();
        await conversation.Watched(await conversation.Post(Owner, Question()));
        await conversation.Delete(Owner);
        Assert.Equal(ChatError.ConversationNotFound, (await Assert.ThrowsAsync<ChatException>(() => conversation.Read(Owner))).Error);
        Assert.Empty((await cluster.ListOf(Owner).List(10, null, null)).Entries);
    }

    [Fact]
    public async Task AnyCall_AnotherOwner_FindsNothing()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var conversation = await cluster.NewTranscript();
        Func<Task>[] calls =
        [
            () => conversation.Read("user:bob"), () => conversation.Change("user:bob", new("t")), () => conversation.Post("user:bob", Question()),
            () => conversation.Delete("user:bob"), () => conversation.Fork("user:bob", 1, null), () => conversation.StopAnswer("user:bob"),
            () => conversation.GoOn("user:bob", 1, null), async () => await conversation.Watch("user:bob", 1, 0).GetAsyncEnumerator(TestContext.Current.CancellationToken).MoveNextAsync(),
        ];
        foreach (var call in calls) Assert.Equal(ChatError.ConversationNotFound, (await Assert.ThrowsAsync<ChatException>(call)).Error);
        Assert.Equal(Owner, (await conversation.Read(Owner)).Owner);
    }

    [Fact]
    public async Task Post_Refused_LeavesNoMessage()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var conversation = await cluster.NewTranscript();
        (TranscriptPost Post, ChatError Expected)[] wrong =
        [
            (Question() with { Request = Settings() with { Model = "other" } }, ChatError.ModelNotFound),
            (Question() with { Request = Settings() with { MaxTokens = 100_000 } }, ChatError.ContextLengthExceeded),
            (Question() with { Parent = 7 }, ChatError.MessageNotFound),
            (new(0, null, Settings()), ChatError.MessageNotFound),
        ];
        foreach (var (post, expected) in wrong)
            Assert.Equal(expected, (await Assert.ThrowsAsync<ChatException>(() => conversation.Post(Owner, post))).Error);
        Assert.Empty((await conversation.Read(Owner)).Messages);
    }

    [Fact]
    public async Task List_Many_IsPagedSearchedAndBounded()
    {
        await using var cluster = await StubCluster.Start(AtOnce());
        var list = cluster.ListOf(Owner);
        for (int number = 0; number < 1000; number++)
            await list.Put(new($"c{number}", $"Title {number}", DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddSeconds(number), 0, ""));
        var first = await list.List(2, null, null);
        var second = await list.List(2, first.Entries[^1].Id, null);
        Assert.Equal(["c999", "c998", "c997", "c996"], first.Entries.Concat(second.Entries).Select(entry => entry.Id));
        Assert.Equal((true, 1000), (second.More, second.Total));
        Assert.Equal(["c997"], (await list.List(9, null, "TITLE 997")).Entries.Select(entry => entry.Id));
        var refusal = await Assert.ThrowsAsync<ChatException>(() => list.Put(new("more", null, default, default, 0, "")));
        Assert.Equal(ChatError.ConversationsFull, refusal.Error);
        await list.Put(first.Entries[1] with { Title = "renamed" });
    }

    private static ChatRequest Settings() => Requests.Hello() with { Keep = Keep.UntilDelivered };

    private static TranscriptPost Question(string text = "Hello") => new(null, text, Settings());

    private static string Comparable(GenerationEvent happened) => happened is TextDelta delta ? $"{delta.Number} {delta.Text}" : $"{happened}";
}

/// <summary>Transcripts in the tests' own words.</summary>
internal static class Transcripts
{
    private const string Owner = "user:ann";

    public static async Task<ITranscriptGrain> NewTranscript(this StubCluster cluster)
    {
        var conversation = cluster.Transcript(ConversationId.New());
        await conversation.Create(new() { Owner = Owner });
        return conversation;
    }

    public static async Task<List<GenerationEvent>> Watched(this ITranscriptGrain conversation, int message, long after = 0)
    {
        var events = new List<GenerationEvent>();
        await foreach (var happened in conversation.Watch(Owner, message, after, TestContext.Current.CancellationToken))
            if (happened is not KeepAlive) events.Add(happened);
        return events;
    }

    /// <summary>The list is told after the answer's end; the test's own limit is the only one.</summary>
    public static async Task Listed(this StubCluster cluster, Predicate<ConversationEntry> expected)
    {
        while (!(await cluster.ListOf(Owner).List(10, null, null)).Entries.Any(entry => expected(entry)))
            await Task.Delay(10, TestContext.Current.CancellationToken);
    }

    /// <summary>Steps until something has happened: some steps are a sign of life's, which nobody waits for.</summary>
    public static async Task StepUntil(this SteppedTime time, Task happened)
    {
        while (!happened.IsCompleted) await Task.WhenAny(happened, time.Step());
    }
}
