using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Errors;
using SmolCluster.Gateway.Operations;

namespace SmolCluster.Gateway.Conversations;

/// <summary>An answer of a conversation as server-sent events, whose ids are the events' numbers; comments in between say that the
/// connection lives. Leaving it does not end the answer: whoever comes back with Last-Event-ID, at any gateway, gets the rest.</summary>
/// <param name="after">The last event that the client has; 0: none.</param>
/// <param name="meter">Of the answer, to its end even where the client leaves before; null: who asked for it measures it.</param>
internal sealed class TurnStream(ITranscriptGrain conversation, string owner, int message, long after, AnswerMeter? meter = null) : IResult
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
    public async Task WaitForEndAsync(HttpContext http)
    {
        await foreach (var _ in EventsAsync(http)) { }
    }

    private async IAsyncEnumerable<GenerationEvent> EventsAsync(HttpContext http)
    {
        var stop = CancellationTokenSource.CreateLinkedTokenSource(http.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping);
        var watch = new Watch(conversation, owner, message, after, http.RequestServices.GetRequiredService<TimeProvider>(), stop.Token);
        Task<GenerationEvent>? unseen = null;
        bool ended = false;
        try
        {
            while (!ended)
            {
                unseen = watch.NextAsync();
                var happened = await unseen.WaitAsync(http.RequestAborted);
                unseen = null;
                meter?.Saw(happened);
                ended = happened is AnswerFinished;
                yield return happened;
            }
        }
        finally
        {
            LeaveAsync(watch, unseen, ended, stop).Ignore();
        }
    }

    /// <summary>The answer goes on without its client, so what the client does not stay for is measured and charged all the same.</summary>
    private async Task LeaveAsync(Watch watch, Task<GenerationEvent>? unseen, bool ended, CancellationTokenSource stop)
    {
        try
        {
            for (; !ended && meter is not null; unseen = null)
            {
                var happened = await (unseen ?? watch.NextAsync());
                meter.Saw(happened);
                ended = happened is AnswerFinished;
            }
        }
        catch (Exception failure)
        {
            meter?.Failed(failure);
        }
        await stop.CancelAsync();
        unseen?.Ignore();
        await watch.LeaveAsync();
        stop.Dispose();
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
                    && (AnswerStream.Broke(failure) || failure is OrleansException or ChatException { Error: ChatError.Interrupted }))
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
            catch (Exception failure) when (failure is NotSupportedException or ChatException or OrleansException || AnswerStream.Broke(failure))
            {
                // broken already
            }
        }
    }
}
