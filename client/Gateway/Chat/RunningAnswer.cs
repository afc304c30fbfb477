using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Chat;

/// <summary>An answer whose first event has come, so that what the cluster refuses is still an HTTP status and not an error in
/// a stream that began with 200. Disposing it, like cancelling it, tells the conversation to stop and free its cache.</summary>
internal sealed class RunningAnswer : IAsyncDisposable
{
    private readonly IAsyncEnumerator<GenerationEvent> events;

    private RunningAnswer(string id, long created, AnswerStarted started, IAsyncEnumerator<GenerationEvent> events)
    {
        Id = id;
        Created = created;
        Started = started;
        this.events = events;
    }

    public string Id { get; }

    /// <summary>Unix seconds.</summary>
    public long Created { get; }

    public AnswerStarted Started { get; }

    public static async Task<RunningAnswer> StartAsync(string id, IConversationGrain conversation, ChatRequest request,
        TimeProvider time, CancellationToken cancellation)
    {
        var events = conversation.Ask(request, cancellation).GetAsyncEnumerator(cancellation);
        try
        {
            if (!await events.MoveNextAsync() || events.Current is not AnswerStarted started)
                throw new InvalidOperationException($"Conversation {id} did not begin its answer with AnswerStarted.");
            return new(id, time.GetUtcNow().ToUnixTimeSeconds(), started, events);
        }
        catch (Exception exception)
        {
            // an enumeration that was given up before its first event cannot be left through its enumerator
            if (exception is OperationCanceledException or TimeoutException)
                conversation.StopAnswer().Ignore();
            await events.DisposeAsync();
            throw;
        }
    }

    /// <summary>The events after <see cref="Started"/>, once.</summary>
    public async IAsyncEnumerable<GenerationEvent> ReadAsync()
    {
        while (await events.MoveNextAsync())
            yield return events.Current;
    }

    public ValueTask DisposeAsync() => events.DisposeAsync();
}
