using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;

namespace SmolCluster.ServiceDefaults;

/// <summary>GET /metrics: the same measures as over OTLP, for a Prometheus that comes for them. Names become Prometheus' own:
/// gen_ai.server.time_to_first_token in seconds is gen_ai_server_time_to_first_token_seconds.</summary>
public static class Prometheus
{
    public const string Path = "/metrics";

    /// <summary>Of one measure, by its tags. Room for them is taken at once, and the usual 2,000 for each of a hundred measures are megabytes.</summary>
    private const int MostSeries = 128;

    public static TBuilder AddPrometheus<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddOpenTelemetry().WithMetrics(static metrics => metrics.AddMeter(Telemetry.Meters)
            .AddView(static _ => new MetricStreamConfiguration { CardinalityLimit = MostSeries })
            .AddPrometheusExporter());
        return builder;
    }

    public static IEndpointConventionBuilder MapPrometheus(this IEndpointRouteBuilder endpoints) => endpoints.MapPrometheusScrapingEndpoint(Path);
}
