using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using SmolCluster.ServiceDefaults;

namespace SmolCluster.Cluster.Tests;

public sealed class TelemetryTests
{
    [Theory]
    [InlineData(null, false)]
    [InlineData("http://127.0.0.1:4317", true)]
    public void AddTelemetry_OnlyWithAnEndpoint_CollectsAnything(string? endpoint, bool collects)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration[Telemetry.EndpointVariable] = endpoint;
        using IHost host = builder.AddTelemetry().Build();
        Assert.Equal(collects, host.Services.GetService<MeterProvider>() is not null);
        Assert.Equal(collects, host.Services.GetService<TracerProvider>() is not null);
    }
}
