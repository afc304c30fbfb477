using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace SmolCluster.Gateway.Requests;

/// <summary>Ends connections whose client takes nothing of its answer any more: else they would hold the answer and its cache. The
/// server's own least rate does not: it counts what was taken quickly before in the client's favour, a second for every 240 bytes.</summary>
internal static class StallLimit
{
    public static void UseStallLimit(this WebApplication app)
    {
        var limit = app.Services.GetRequiredService<IOptions<GatewayOptions>>().Value.StallLimit;
        var time = app.Services.GetRequiredService<TimeProvider>();
        app.Use((http, next) =>
        {
            var body = http.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
            http.Features.Set<IHttpResponseBodyFeature>(new Body(body, new Writer(body.Writer, http, limit, time)));
            return next(http);
        });
    }

    private sealed class Body(IHttpResponseBodyFeature inner, Writer writer) : IHttpResponseBodyFeature
    {
        public Stream Stream { get; } = writer.AsStream(leaveOpen: true);

        public PipeWriter Writer => writer;

        public void DisableBuffering() => inner.DisableBuffering();

        public Task StartAsync(CancellationToken cancellationToken = default) => inner.StartAsync(cancellationToken);

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
            inner.SendFileAsync(path, offset, count, cancellationToken);

        public Task CompleteAsync() => inner.CompleteAsync();
    }

    private sealed class Writer(PipeWriter inner, HttpContext http, TimeSpan limit, TimeProvider time) : PipeWriter
    {
        public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

        public override long UnflushedBytes => inner.UnflushedBytes;

        public override void Advance(int bytes) => inner.Advance(bytes);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            var flush = inner.FlushAsync(cancellationToken);
            return flush.IsCompleted ? flush : new(BoundedAsync(flush.AsTask()));
        }

        private async Task<FlushResult> BoundedAsync(Task<FlushResult> flush)
        {
            try
            {
                return await flush.WaitAsync(limit, time);
            }
            catch (TimeoutException) when (!flush.IsCompleted)
            {
                http.Abort();
                return await flush; // ends now: the connection is gone
            }
        }
    }
}
