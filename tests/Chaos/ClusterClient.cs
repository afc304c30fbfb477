using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SmolCluster.Contracts;
using SmolCluster.ServiceDefaults;

namespace SmolCluster.Chaos;

/// <summary>A client of the cluster's grains, for what the gateway's API has no word for: conversations with a name.</summary>
internal sealed class ClusterClient : IAsyncDisposable
{
    private readonly IHost host;

    private ClusterClient(IHost host) => this.host = host;

    private IGrainFactory Grains => host.Services.GetRequiredService<IGrainFactory>();

    public IManagementGrain Management => Grains.GetGrain<IManagementGrain>(0);

    public IConversationGrain Conversation(string name) => Grains.GetGrain<IConversationGrain>(name);

    /// <param name="settings">As a gateway's environment has them.</param>
    public static async Task<ClusterClient> ConnectAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellation)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        foreach (var (key, value) in settings)
            builder.Configuration[key.Replace("__", ":", StringComparison.Ordinal)] = value;
        builder.UseOrleansClient(static client => client.Configure<Orleans.Configuration.ClientMessagingOptions>(
            static options => options.ResponseTimeout = TimeSpan.FromSeconds(60)));
        builder.AddRedisConnections();
        builder.Logging.ClearProviders();
        var host = builder.Build();
        await host.StartAsync(cancellation);
        return new(host);
    }

    /// <summary>A whole answer of a named conversation.</summary>
    public async Task<IReadOnlyList<GenerationEvent>> AskAsync(string name, ChatRequest request, CancellationToken cancellation)
    {
        var events = new List<GenerationEvent>();
        PlacementWish.Set(request.Model, null);
        await foreach (var happened in Conversation(name).Ask(request, cancellation))
            if (happened is not KeepAlive)
                events.Add(happened);
        return events;
    }

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync(CancellationToken.None);
        host.Dispose();
    }
}
