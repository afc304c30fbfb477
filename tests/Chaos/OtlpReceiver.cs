using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace SmolCluster.Chaos;

/// <summary>Takes telemetry over OTLP/HTTP, as a collector does, and keeps the spans.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly ConcurrentQueue<OtlpSpan> spans = [];
    private TaskCompletionSource news = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long bytes;

    private OtlpReceiver(WebApplication app) => this.app = app;

    public IReadOnlyList<OtlpSpan> Spans => [.. spans];

    /// <summary>All that came: spans, metrics and logs.</summary>
    public long Bytes => Interlocked.Read(ref bytes);

    /// <summary>What a node has to be told so that its telemetry comes here, and soon.</summary>
    public IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = app.Urls.First(),
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
        ["Orleans__EnableDistributedTracing"] = "true", // as Aspire sets it
    };

    public static async Task<OtlpReceiver> StartAsync(CancellationToken cancellation)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var receiver = new OtlpReceiver(builder.Build());
        receiver.app.MapPost("/v1/{kind}", receiver.TakeAsync);
        await receiver.app.StartAsync(cancellation);
        return receiver;
    }

    /// <summary>Waits for a span.</summary>
    public async Task<OtlpSpan> FirstAsync(Func<OtlpSpan, bool> wanted, CancellationToken cancellation)
    {
        while (true)
        {
            var next = Volatile.Read(ref news).Task;
            if (spans.FirstOrDefault(wanted) is { } found)
                return found;
            await next.WaitAsync(cancellation);
        }
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private async Task<IResult> TakeAsync(string kind, HttpRequest request)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
        Interlocked.Add(ref bytes, body.Length);
        foreach (var span in kind == "traces" ? OtlpSpan.From(body.ToArray()) : [])
            spans.Enqueue(span);
        Interlocked.Exchange(ref news, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        return Results.Bytes([], "application/x-protobuf");
    }
}
