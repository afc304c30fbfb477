using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using SmolCluster.Grains;
using SmolCluster.Silo;

namespace SmolCluster.Gateway.Tests;

/// <summary>A silo and a gateway in this process on free loopback ports, as `smol serve` composes them, with any models.</summary>
internal sealed class GatewayHost : IAsyncDisposable
{
    /// <summary>Of a host whose answers go on; by default that is half a minute.</summary>
    private static readonly TimeSpan LongestFarewell = TimeSpan.FromSeconds(5);

    private readonly WebApplication app;

    private GatewayHost(WebApplication app)
    {
        this.app = app;
        Http = new HttpClient { BaseAddress = new Uri(app.Urls.First().Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal)) };
    }

    public HttpClient Http { get; }

    public int SiloPort => app.Services.GetRequiredService<IOptions<EndpointOptions>>().Value.SiloPort;

    public string SiloName => app.Services.GetRequiredService<ILocalSiloDetails>().Name;

    /// <summary>Ends the host once it is told to stop, as a program does that runs it.</summary>
    public Task WaitForShutdownAsync() => app.WaitForShutdownAsync(TestContext.Current.CancellationToken);

    public string Url => Http.BaseAddress!.ToString().TrimEnd('/');

    public static Task<GatewayHost> StartAsync(params ModelSource[] models) => StartAsync(primarySiloPort: null, models);

    public static Task<GatewayHost> StartAsync(Action<GatewayOptions> configure, params ModelSource[] models) =>
        StartAsync(primarySiloPort: null, configure, TimeProvider.System, models);

    public static Task<GatewayHost> StartAsync(Action<GatewayOptions> configure, TimeProvider time, params ModelSource[] models) =>
        StartAsync(primarySiloPort: null, configure, time, models);

    /// <summary>Another gateway and silo of the cluster that one is the first of.</summary>
    public static Task<GatewayHost> StartAsync(GatewayHost first, Action<GatewayOptions> configure, TimeProvider time, params ModelSource[] models) =>
        StartAsync(first.SiloPort, configure, time, models);

    /// <param name="url">Where to listen instead of loopback.</param>
    public static Task<GatewayHost> StartAsync(string url, Action<GatewayOptions> configure, params ModelSource[] models) =>
        StartAsync(primarySiloPort: null, configure, TimeProvider.System, models, url);

    /// <param name="primarySiloPort">Of the first silo of the cluster; null: this is the first.</param>
    public static Task<GatewayHost> StartAsync(int? primarySiloPort, params ModelSource[] models) => StartAsync(primarySiloPort, _ => { }, TimeProvider.System, models);

    private static async Task<GatewayHost> StartAsync(int? primarySiloPort, Action<GatewayOptions> configure, TimeProvider time, ModelSource[] models, string? url = null)
    {
        var builder = LoopbackBuilder();
        if (url is not null)
            builder.WebHost.UseUrls(url);
        builder.Services.AddSingleton(time);
        builder.Services.Configure(configure);
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = LongestFarewell);
        builder.AddModels(FreePort(), primarySiloPort, models);
        builder.AddSmolClusterGateway();
        var app = builder.Build();
        app.MapSmolClusterGateway();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new(app);
    }

    /// <summary>Completes when /health/ready says a model is ready; the test's own limit is the only one.</summary>
    public async Task ReadyAsync()
    {
        using var often = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (await often.WaitForNextTickAsync(TestContext.Current.CancellationToken))
        {
            using var response = await Http.GetAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
            if (response.IsSuccessStatusCode)
                return;
            Assert.DoesNotContain("failed", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
    }

    /// <summary>Completes when all of its models are ready.</summary>
    public async Task AllReadyAsync()
    {
        using var often = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while ((await Http.GetJsonAsync("/v1/models"))["data"]!.AsArray() is var models
            && (models.Count == 0 || models.Any(model => (string)model!["meta"]!["state"]! != "ready")))
            await often.WaitForNextTickAsync(TestContext.Current.CancellationToken);
    }

    public static WebApplicationBuilder LoopbackBuilder(int port = 0)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        builder.Logging.ClearProviders();
        return builder;
    }

    public static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await app.StopAsync(CancellationToken.None);
        await app.DisposeAsync();
    }
}

internal static class SiloBuilding
{
    /// <summary>A cluster of one silo, with these models in place of configured ones.</summary>
    public static void AddModels(this WebApplicationBuilder builder, int gatewayPort, params ModelSource[] models) =>
        builder.AddModels(gatewayPort, primarySiloPort: null, models);

    /// <param name="primarySiloPort">Of the first silo of the cluster; null: this is the first.</param>
    public static void AddModels(this WebApplicationBuilder builder, int gatewayPort, int? primarySiloPort, params ModelSource[] models)
    {
        builder.AddSmolClusterSilo(options =>
        {
            options.Models.Add(new() { Path = ModelCatalog.StubPath });
            options.SiloPort = GatewayHost.FreePort();
            options.PrimarySiloPort = primarySiloPort ?? options.SiloPort;
            options.GatewayPort = gatewayPort;
        });
        builder.Services.AddSingleton(services =>
            new ModelHost(models, TimeProvider.System, services.GetRequiredService<ILogger<ModelHost>>()));
    }
}
