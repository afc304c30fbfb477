using SmolCluster.Contracts;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Chat;

/// <summary>An answer as server-sent events: a chunk an event, flushed at once, with the conversation's event number as its id;
/// then "[DONE]". A client whose connection broke asks for the rest after the last id it has. A stream that no silo can go on
/// with ends with an error object instead, and without "[DONE]".</summary>
/// <param name="after">The last id that the client has; 0: none.</param>
/// <param name="delivered">Called when all of it is written.</param>
internal sealed class StreamedAnswer(RunningAnswer answer, long after, Action delivered) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        await using var _ = answer;
        var response = httpContext.Response;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no"; // else nginx gathers the whole answer before it passes it on
        var sse = new SseWriter(response.BodyWriter, httpContext.RequestAborted);
        try
        {
            await WriteAnswerAsync(sse);
            delivered();
        }
        catch (OperationCanceledException) when (httpContext.RequestAborted.IsCancellationRequested)
        {
            // The client has what it wanted: nobody is left to write to, and disposing the answer frees its cache.
        }
        catch (Exception exception)
        {
            // the status is sent already, so the stream itself has to tell
            if (!ClusterErrors.IsExpected(exception))
                httpContext.RequestServices.GetRequiredService<ILogger<StreamedAnswer>>().LogError(exception, "The answer {Answer} broke off", answer.Id);
            await sse.WriteAsync(null, ClusterErrors.From(exception).Body, GatewayJson.Default.ErrorBody);
        }
    }

    private async Task WriteAnswerAsync(SseWriter sse)
    {
        await foreach (var happened in answer.ReadAsync())
        {
            if (happened is AnswerStarted started)
                await WriteAsync(sse, started.Number, new Delta(Role: "assistant", Content: ""));
            else if (happened is TextDelta delta)
                await WriteAsync(sse, delta.Number, new Delta(Content: delta.Text));
            else if (happened is AnswerFinished finished)
            {
                await WriteEndAsync(sse, finished);
                return;
            }
        }
        throw new InvalidOperationException($"The answer {answer.Id} ended without AnswerFinished.");
    }

    /// <summary>The usage has the number after the last event's: a client may have the one and not the other.</summary>
    private async Task WriteEndAsync(SseWriter sse, AnswerFinished finished)
    {
        if (after < finished.Number)
            await WriteAsync(sse, finished.Number, new Delta(), finished.Reason);
        if (answer.Request.IncludeUsage && after <= finished.Number)
            await sse.WriteAsync(finished.Number + 1, Chunk([], Usage.Of(finished)), GatewayJson.Default.ChatCompletionChunk);
        await sse.WriteDoneAsync();
    }

    private Task WriteAsync(SseWriter sse, long number, Delta delta, string? finishReason = null) =>
        sse.WriteAsync(number, Chunk([new(0, delta, finishReason)], null), GatewayJson.Default.ChatCompletionChunk);

    private ChatCompletionChunk Chunk(IReadOnlyList<ChunkChoice> choices, Usage? usage) =>
        new(answer.Id, answer.Created, answer.Request.Model, choices, usage);
}
