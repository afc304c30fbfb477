using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace SmolCluster.ServiceDefaults;

/// <summary>What silo and gateway have in common as services of a distributed application: telemetry over OTLP to wherever the
/// standard variables (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, …) point, as Aspire sets them. Without an endpoint
/// nothing is collected and nothing is paid.</summary>
public static class Telemetry
{
    /// <summary>The variable that switches telemetry on.</summary>
    public const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>What is measured, here and for Prometheus.</summary>
    internal static string[] Meters { get; } = ["Microsoft.AspNetCore.Hosting", "Microsoft.Orleans", "System.Runtime", "SmolCluster.*"];

    public static TBuilder AddTelemetry<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        if (string.IsNullOrWhiteSpace(builder.Configuration[EndpointVariable]))
        {
            return builder;
        }

        // else a request's span has no path, method and status: .NET 10 leaves them to a package of OpenTelemetry's
        AppContext.SetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", false);
        builder.Logging.AddOpenTelemetry(static logs => (logs.IncludeScopes, logs.IncludeFormattedMessage) = (true, true));
        builder.Services.AddOpenTelemetry()
            .WithMetrics(static metrics => metrics.AddMeter(Meters))
            // none of Orleans' sources: .Runtime is a flood, .Application two spans for every few tokens of a stream, and of .Lifecycle each
            // grain that leaves the memory is a trace of its own
            .WithTracing(static traces => traces.AddSource("Microsoft.AspNetCore", "SmolCluster.*").AddProcessor(new WithoutProbes()))
            .UseOtlpExporter();
        return builder;
    }
}
