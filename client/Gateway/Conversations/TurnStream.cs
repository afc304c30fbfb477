using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Conversations;

/// <summary>An answer of a conversation as server-sent events, whose ids are the events' numbers; comments in between say that the
/// connection lives. Leaving it does not end the answer: whoever comes back with Last-Event-ID, at any gateway, gets the rest.</summary>
/// <param name="after">The last event that the client has; 0: none.</param>
internal sealed class TurnStream(ITranscriptGrain conversation, string owner, int message, long after) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no"; // else nginx gathers the whole answer before it passes it on
        var sse = new SseWriter(response.BodyWriter, httpContext.RequestAborted);
        try
        {
            await foreach (var happened in EventsAsync(httpContext))
            {
                if (TurnEvent.Of(happened, message) is { } told)
                    await sse.WriteAsync(happened is KeepAlive ? null : happened.Number, told, GatewayJson.Default.TurnEvent);
                else
                    await sse.WriteCommentAsync("alive");
            }
        }
        catch (OperationCanceledException) when (httpContext.RequestAborted.IsCancellationRequested)
        {
            // the answer goes on without this client
        }
        catch (Exception exception)
        {
            // the status is sent already, so the stream itself has to tell
            await sse.WriteAsync(null, ClusterErrors.From(exception).Body, GatewayJson.Default.ErrorBody);
        }
    }

    /// <summary>Completes with the answer.</summary>
    public static async Task WaitForEndAsync(ITranscriptGrain conversation, string owner, int message, HttpContext http)
    {
        await foreach (var _ in new TurnStream(conversation, owner, message, 0).EventsAsync(http)) { }
    }

    private async IAsyncEnumerable<GenerationEvent> EventsAsync(HttpContext http)
    {
        var time = http.RequestServices.GetRequiredService<TimeProvider>();
        var watch = new Watch(conversation, owner, message, after, time, http.RequestAborted);
        try
        {
            GenerationEvent happened;
            do
            {
                happened = await watch.NextAsync();
                yield return happened;
            }
            while (happened is not AnswerFinished);
        }
        finally
        {
            watch.LeaveAsync().Ignore();
        }
    }

    /// <summary>Watches an answer and, when the conversation moves, watches it again after the last event.</summary>
    private sealed class Watch(ITranscriptGrain conversation, string owner, int message, long after, TimeProvider time, CancellationToken cancellation)
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
        private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

        private IAsyncEnumerator<GenerationEvent>? events;
        private long last = after;

        public async Task<GenerationEvent> NextAsync()
        {
            for (long start = time.GetTimestamp(); ;)
            {
                try
                {
                    events ??= conversation.Watch(owner, message, last, cancellation).GetAsyncEnumerator(cancellation);
                    if (!await events.MoveNextAsync().AsTask().WaitAsync(Liveness.StreamIdleLimit, time, cancellation))
                        throw new EnumerationAbortedException("The answer ended without its last event.");
                    last = events.Current.Number;
                    return events.Current;
                }
                catch (Exception failure) when (!cancellation.IsCancellationRequested && time.GetElapsedTime(start) < Patience
                    && (ClusterErrors.StreamBroke(failure) || failure is OrleansException or ChatException { Error: ChatError.Interrupted }))
                {
                    LeaveAsync().Ignore(); // a silo that is gone answers it only when it is given up
                }
                await Task.Delay(Pause, time, cancellation);
            }
        }

        public async Task LeaveAsync()
        {
            if (events is not { } left)
                return;
            events = null;
            try
            {
                await left.DisposeAsync();
            }
            catch (Exception failure) when (failure is NotSupportedException or ChatException or OrleansException || ClusterErrors.StreamBroke(failure))
            {
                // broken already
            }
        }
    }
}
