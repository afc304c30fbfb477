using SmolCluster.Contracts;

namespace SmolCluster.Cluster.Tests;

/// <summary>Requests and answers in the tests' own words.</summary>
public static class Requests
{
    public static ChatRequest Hello(string model = "stub", int? maxTokens = null, string[]? stop = null, string? variables = null) =>
        new(model, [new ChatMessage("user", "Hello")], new SamplingSettings { Seed = 7 }, maxTokens, stop ?? [], variables, "tester");

    /// <summary>A whole answer.</summary>
    public static async Task<List<GenerationEvent>> Answer(this IConversationGrain conversation, ChatRequest request)
    {
        var events = new List<GenerationEvent>();
        await foreach (var happened in conversation.Ask(request, TestContext.Current.CancellationToken)) events.Add(happened);
        return events;
    }

    /// <summary>The rest of an answer.</summary>
    public static async Task<List<GenerationEvent>> Rest(this IConversationGrain conversation, ChatRequest? request, AnswerCursor known)
    {
        var events = new List<GenerationEvent>();
        await foreach (var happened in conversation.GoOn(request, known, TestContext.Current.CancellationToken)) events.Add(happened);
        return events;
    }

    /// <summary>An answer to read event by event.</summary>
    public static IAsyncEnumerator<GenerationEvent> Begin(this IConversationGrain conversation, ChatRequest request) =>
        conversation.Ask(request, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);

    /// <summary>The next text of an answer.</summary>
    public static async Task<TextDelta> NextText(this IAsyncEnumerator<GenerationEvent> answer)
    {
        while (await answer.MoveNextAsync())
            if (answer.Current is TextDelta delta) return delta;
        throw new InvalidOperationException("The answer ended without more text.");
    }

    public static string Text(this IEnumerable<GenerationEvent> events) =>
        string.Concat(events.OfType<TextDelta>().Select(delta => delta.Text));

    public static AnswerFinished Finish(this IEnumerable<GenerationEvent> events) => Assert.IsType<AnswerFinished>(events.Last());

    /// <summary>What the request is refused with.</summary>
    public static Task<ChatException> Refusal(this IConversationGrain conversation, ChatRequest request) =>
        Assert.ThrowsAsync<ChatException>(() => conversation.Answer(request));
}
