using System.IO.Pipelines;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Chat;

/// <summary>How a dialect writes an answer while it comes.</summary>
internal interface IAnswerWriter
{
    string ContentType { get; }

    /// <summary>The events in order; the last is <see cref="AnswerFinished"/>.</summary>
    Task WriteAsync(GenerationEvent happened, PipeWriter output, CancellationToken cancellation);

    /// <summary>The answer breaks off here: the status is sent already, so the stream itself has to tell.</summary>
    Task FailAsync(ApiError error, PipeWriter output, CancellationToken cancellation);
}

/// <summary>A streamed answer in any dialect: an event written is an event flushed.</summary>
/// <param name="delivered">Called when all of it is written.</param>
/// <param name="left">Called when the client has left before that, and the answer is given up.</param>
internal sealed class AnswerResponse(RunningAnswer answer, IAnswerWriter writer, Action delivered, Action? left = null) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        await using (answer)
            await SendAsync(httpContext);
        if (httpContext.RequestAborted.IsCancellationRequested)
            left?.Invoke();
    }

    private async Task SendAsync(HttpContext httpContext)
    {
        var (response, cancellation) = (httpContext.Response, httpContext.RequestAborted);
        response.ContentType = writer.ContentType;
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no"; // else nginx gathers the whole answer before it passes it on
        try
        {
            await foreach (var happened in answer.ReadAsync())
            {
                await writer.WriteAsync(happened, response.BodyWriter, cancellation);
                await response.BodyWriter.FlushAsync(cancellation);
            }
            delivered();
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The client has what it wanted: nobody is left to write to, and disposing the answer frees its cache.
        }
        catch (Exception exception)
        {
            if (!ClusterErrors.IsExpected(exception))
                httpContext.RequestServices.GetRequiredService<ILogger<AnswerResponse>>().LogError(exception, "The answer {Answer} broke off", answer.Id);
            await writer.FailAsync(ClusterErrors.From(exception), response.BodyWriter, cancellation);
            await response.BodyWriter.FlushAsync(cancellation);
        }
    }
}
