using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Chat;

/// <summary>Answers as server-sent events, flushed one by one, then "[DONE]". A stream that no silo can go on with ends with an error object
/// instead, and without "[DONE]".</summary>
internal abstract class SseAnswer(RunningChoices answers) : IResult
{
    protected RunningChoices Answers { get; } = answers;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        await using var _ = Answers;
        var response = httpContext.Response;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no"; // else nginx gathers the whole answer before it passes it on
        var sse = new SseWriter(response.BodyWriter, httpContext.RequestAborted);
        try
        {
            await WriteAnswerAsync(sse);
            await sse.WriteDoneAsync();
            Delivered();
        }
        catch (OperationCanceledException) when (httpContext.RequestAborted.IsCancellationRequested)
        {
            // The client has what it wanted: nobody is left to write to, and disposing the answer frees its cache.
        }
        catch (Exception exception)
        {
            // the status is sent already, so the stream itself has to tell
            if (!ClusterErrors.IsExpected(exception))
                httpContext.RequestServices.GetRequiredService<ILogger<SseAnswer>>().LogError(exception, "The answer {Answer} broke off", Answers.First.Id);
            await sse.WriteAsync(null, ClusterErrors.From(exception).Body, GatewayJson.Default.ErrorBody);
        }
    }

    /// <summary>All events but the last line.</summary>
    protected abstract Task WriteAnswerAsync(SseWriter sse);

    /// <summary>All of it is written.</summary>
    protected virtual void Delivered()
    {
    }
}
