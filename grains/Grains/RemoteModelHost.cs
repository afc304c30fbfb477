using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Runtime.Services;
using Orleans.Services;
using SmolCluster.Contracts;
using SmolCluster.Grains.HandingOver;
using SmolCluster.Grains.Placement;

namespace SmolCluster.Grains;

/// <summary>A silo's <see cref="ModelHost"/> as other silos see it.</summary>
[Alias("SmolCluster.IRemoteModelHost")]
public interface IRemoteModelHost : IGrainService
{
    [Alias("Statuses")]
    Task<ModelStatus[]> Statuses();

    /// <summary>Of the models that can answer now.</summary>
    [Alias("Loads")]
    Task<ModelLoad[]> Loads();

    /// <summary>All models at work, and the bytes that this process is resident with.</summary>
    [Alias("View")]
    Task<(ModelView[] Models, long ResidentBytes)> View();

    /// <summary>Ends the process as if it had been told to by a signal: everything is handed over. Returns at once.</summary>
    [Alias("Leave")]
    Task Leave();

    /// <summary>Keeps pages that another silo computed, for answers that will come from there.</summary>
    [Alias("TakePages")]
    Task<KvTaken> TakePages(KvPages pages);
}

/// <summary>Only a door: the models live in the singleton, which outlives this grain service when the silo stops.</summary>
[Reentrant]
internal sealed class RemoteModelHost(GrainId id, Silo silo, ILoggerFactory loggers, ModelHost models, IHostApplicationLifetime process)
    : GrainService(id, silo, loggers), IRemoteModelHost
{
    public Task<ModelStatus[]> Statuses() => Task.FromResult(models.Statuses.ToArray());

    public Task<ModelLoad[]> Loads() => Task.FromResult(models.Loads.ToArray());

    public Task<(ModelView[] Models, long ResidentBytes)> View() => Task.FromResult<(ModelView[], long)>(([.. models.Views], Environment.WorkingSet));

    public Task Leave()
    {
        process.StopApplication();
        return Task.CompletedTask;
    }

    public Task<KvTaken> TakePages(KvPages pages) => pages.Into(models);
}

/// <summary>Reaches the model host of a given silo.</summary>
internal sealed class ModelHostClient(IServiceProvider services) : GrainServiceClient<IRemoteModelHost>(services)
{
    public Task<ModelStatus[]> Statuses(SiloAddress silo) => GetGrainService(silo).Statuses();

    public Task<ModelLoad[]> Loads(SiloAddress silo) => GetGrainService(silo).Loads();

    public Task<(ModelView[] Models, long ResidentBytes)> View(SiloAddress silo) => GetGrainService(silo).View();

    public Task Leave(SiloAddress silo) => GetGrainService(silo).Leave();

    public Task<KvTaken> TakePages(SiloAddress silo, KvPages pages) => GetGrainService(silo).TakePages(pages);
}
