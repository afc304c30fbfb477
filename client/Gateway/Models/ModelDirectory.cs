using SmolCluster.Contracts;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Models;

/// <summary>The cluster's models as the gateway sees them. Asked anew each time: a list held here would be wrong when it matters.</summary>
internal sealed class ModelDirectory(IGrainFactory grains, IHostApplicationLifetime lifetime)
{
    /// <summary>Whether the host has started, which for a gateway alone includes having reached the cluster.</summary>
    public bool Connected => lifetime.ApplicationStarted.IsCancellationRequested;

    /// <summary>Every model of the cluster, in order of id.</summary>
    /// <exception cref="ApiException">Not connected yet: 503.</exception>
    public Task<IReadOnlyList<ModelStatus>> List()
    {
        ThrowIfConnecting();
        return grains.GetGrain<IModelsGrain>(0).List();
    }

    public void ThrowIfConnecting()
    {
        if (!Connected)
            throw new ApiException(ApiError.Server(StatusCodes.Status503ServiceUnavailable, "cluster_connecting",
                "The gateway is still connecting to the cluster. Try again shortly.", TimeSpan.FromSeconds(2)));
    }
}
