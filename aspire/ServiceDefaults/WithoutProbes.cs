using System.Diagnostics;
using OpenTelemetry;

namespace SmolCluster.ServiceDefaults;

/// <summary>Leaves out the spans of requests that come by the clock, for health and metrics: they would bury those of people.</summary>
internal sealed class WithoutProbes : BaseProcessor<Activity>
{
    public override void OnEnd(Activity data)
    {
        if (data.Kind == ActivityKind.Server && data.GetTagItem("url.path") is string path
            && (path.StartsWith("/health/", StringComparison.Ordinal) || path == Prometheus.Path))
        {
            data.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        }
    }
}
