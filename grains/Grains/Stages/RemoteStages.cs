using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Runtime.Services;
using Orleans.Services;

namespace SmolCluster.Grains.Stages;

/// <summary>A silo's <see cref="StageRoom"/> as other silos see it.</summary>
[Alias("SmolCluster.IRemoteStages")]
public interface IRemoteStages : IGrainService
{
    /// <returns>Null: nothing of this model can be had here.</returns>
    [Alias("Offer")]
    Task<StageOffer?> Offer(string model);

    /// <summary>Takes layers, in place of those that it had for the same silo.</summary>
    /// <exception cref="InvalidOperationException">It cannot; the message says why.</exception>
    [Alias("Open"), ResponseTimeout("00:00:30")]
    Task Open(StageOrder order);

    /// <summary>Computes a step. It may wait for those before it.</summary>
    /// <returns>Hidden states after its layers.</returns>
    /// <exception cref="InvalidOperationException">It has no such stage, or not of this plan.</exception>
    [Alias("Run"), ResponseTimeout("00:02:00")]
    Task<byte[]> Run(StageWork work);

    /// <summary>The plan's layers are needed no longer.</summary>
    [Alias("Close")]
    Task Close(string model, Guid plan);
}

/// <summary>Only a door, as <see cref="RemoteModelHost"/> is.</summary>
[Reentrant]
internal sealed class RemoteStages(GrainId id, Silo silo, ILoggerFactory loggers, StageRoom room) : GrainService(id, silo, loggers), IRemoteStages
{
    public Task<StageOffer?> Offer(string model) => Task.FromResult(room.Offer(model));

    public Task Open(StageOrder order) => room.Open(order);

    public Task<byte[]> Run(StageWork work) => room.Run(work);

    public Task Close(string model, Guid plan) => room.Close(model, plan);
}

/// <summary>Reaches the stages of a given silo.</summary>
internal sealed class StageClient(IServiceProvider services) : GrainServiceClient<IRemoteStages>(services)
{
    public Task<StageOffer?> Offer(SiloAddress silo, string model) => GetGrainService(silo).Offer(model);

    public Task Open(SiloAddress silo, StageOrder order) => GetGrainService(silo).Open(order);

    public Task<byte[]> Run(SiloAddress silo, StageWork work) => GetGrainService(silo).Run(work);

    public Task Close(SiloAddress silo, string model, Guid plan) => GetGrainService(silo).Close(model, plan);
}
