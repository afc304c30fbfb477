using Microsoft.Extensions.Options;
using Orleans.Configuration;
using SmolCluster.Grains;

namespace SmolCluster.Silo;

/// <summary>Tells whoever started a node what it serves and where.</summary>
internal sealed class SiloAnnouncement(
    ILocalSiloDetails silo, IOptions<EndpointOptions> endpoints, ModelHost models, ILogger<SiloAnnouncement> logger) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        foreach (var model in models.Statuses) logger.LogInformation("Loading model {Model} ({Kind})", model.Id, model.Kind);
        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        logger.LogInformation("Silo {Silo} of cluster {Cluster} is up on {Address}:{SiloPort}, for gateways on port {GatewayPort}",
            silo.Name, silo.ClusterId, endpoints.Value.AdvertisedIPAddress, endpoints.Value.SiloPort, endpoints.Value.GatewayPort);
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        logger.LogInformation("Silo {Silo} is leaving the cluster", silo.Name);
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
