using SmolCluster.Contracts;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Chat;

/// <summary>An answer as server-sent events: a chunk an event, flushed at once, with the conversation's event number as its id;
/// then "[DONE]". A client whose connection broke asks for the rest after the last id it has. A stream that no silo can go on
/// with ends with an error object instead, and without "[DONE]". Several choices have no ids: which comes when is chance.</summary>
/// <param name="after">The last id that the client has; 0: none.</param>
/// <param name="delivered">Called when all of it is written.</param>
internal sealed class StreamedAnswer(RunningChoices answers, long after, Action delivered) : IResult
{
    private readonly RunningAnswer answer = answers.First;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        await using var _ = answers;
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
        var ends = new List<AnswerFinished>();
        await foreach (var (choice, happened) in answers.ReadAsync())
        {
            if (happened is AnswerFinished finished)
                ends.Add(finished);
            if (happened.Number > after && ChunkChoice.Of(choice, happened) is { } piece)
                await sse.WriteAsync(Id(happened.Number), Chunk([piece], null), GatewayJson.Default.ChatCompletionChunk);
        }
        if (ends.Count < answers.Count)
            throw new InvalidOperationException($"The answer {answer.Id} ended without AnswerFinished.");
        // The usage has the number after the last event's: a client may have the one and not the other.
        if (answer.Request.IncludeUsage && after <= ends[^1].Number)
            await sse.WriteAsync(Id(ends[^1].Number + 1), Chunk([], Usage.Of(ends)), GatewayJson.Default.ChatCompletionChunk);
        await sse.WriteDoneAsync();
    }

    private long? Id(long number) => answers.Count == 1 ? number : null;

    private ChatCompletionChunk Chunk(IReadOnlyList<ChunkChoice> choices, Usage? usage) =>
        new(answer.Id, answer.Created, answer.Request.Model, answer.Fingerprint, choices, usage);
}
