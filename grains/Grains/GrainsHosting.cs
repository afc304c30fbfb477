using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Serialization;
using Orleans.Storage;
using SmolCluster.Grains.HandingOver;
using SmolCluster.Grains.Placement;
using SmolCluster.Grains.Stages;

namespace SmolCluster.Grains;

/// <summary>Puts the grains' room into a silo.</summary>
public static class GrainsHosting
{
    /// <summary>This silo's models, and the service that tells other silos of them.</summary>
    public static ISiloBuilder AddModelHost(this ISiloBuilder silo, Func<IServiceProvider, IEnumerable<ModelSource>> sources)
    {
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.AddSingleton(services => ActivatorUtilities.CreateInstance<ModelHost>(services, sources(services)));
        silo.Services.AddHostedService(services => services.GetRequiredService<ModelHost>());
        silo.Services.AddSingleton<ModelHostClient>();
        silo.AddGrainService<RemoteModelHost>();
        silo.Services.AddSingleton<ClusterLoad>();
        silo.Services.AddHostedService(services => services.GetRequiredService<ClusterLoad>());
        silo.Services.AddSingleton<StageRoom>();
        silo.Services.AddSingleton<StageClient>();
        silo.AddGrainService<RemoteStages>();
        silo.Services.AddHostedService<StageKeeper>();
        silo.Services.AddSingleton<HandOver>();
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(services => services.GetRequiredService<HandOver>());
        silo.AddPlacementDirector<PlaceByLoad, PlaceByLoadDirector>();
        return silo;
    }

    /// <summary>Conversations in the cluster's memory: they outlive a grain's activation, not the cluster. Orleans' own
    /// serializer, because it takes half the time of JSON and less space.</summary>
    public static ISiloBuilder AddConversationsInMemory(this ISiloBuilder silo)
    {
        foreach (var name in StorageNames)
            silo.AddMemoryGrainStorage(name, options => options.Configure<Serializer>(
                (storage, serializer) => storage.GrainStorageSerializer = new OrleansGrainStorageSerializer(serializer)));
        return silo;
    }

    /// <summary>The grain storage of conversations, kept until they are forgotten.</summary>
    public const string ConversationStorage = "conversations";

    /// <summary>The grain storage of streams that may be resumed; it may drop what was not written to for some minutes.</summary>
    public const string AnswerStorage = "answers";

    public static IReadOnlyList<string> StorageNames { get; } = [ConversationStorage, AnswerStorage];
}
