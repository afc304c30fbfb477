using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.TestingHost;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Cluster.Tests;

/// <summary>A cluster in this process whose silos host the given models. Grains are placed by Orleans, so a test that must know
/// where a model runs uses one silo.</summary>
public sealed class StubCluster : IAsyncDisposable
{
    private readonly InProcessTestCluster _cluster;

    private StubCluster(InProcessTestCluster cluster) => _cluster = cluster;

    public IReadOnlyList<InProcessSiloHandle> Silos => [.. _cluster.Silos];

    /// <summary>Another each time.</summary>
    public ITokenizerGrain Tokenizer => _cluster.Client.GetGrain<ITokenizerGrain>(Guid.NewGuid().ToString("N"));

    public IModelsGrain Models => _cluster.Client.GetGrain<IModelsGrain>(0);

    /// <summary>One silo; does not wait for its models.</summary>
    public static Task<StubCluster> Start(params ModelSource[] sources) => Start(1, _ => sources);

    /// <summary>One silo with one model, which is ready.</summary>
    public static async Task<StubCluster> Start(IChatModel model)
    {
        var cluster = await Start(new ModelSource(model.Card.Id, model.Card.Kind, (_, _) => model));
        await cluster.Service<ModelHost>().Settled;
        return cluster;
    }

    /// <param name="sources">By the silo's number from 0.</param>
    public static async Task<StubCluster> Start(short silos, Func<int, ModelSource[]> sources)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.ConfigureFileLogging = false;
        var started = -1;
        builder.ConfigureSilo((_, silo) =>
        {
            var here = sources(Interlocked.Increment(ref started));
            silo.AddModelHost(_ => here).AddConversationsInMemory();
            silo.Services.AddLogging(logging => logging.ClearProviders());
        });
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return new StubCluster(cluster);
    }

    /// <summary>What a client of the cluster has.</summary>
    public IGrainFactory Client => _cluster.Client;

    public IClusterGrain Cluster => _cluster.Client.GetGrain<IClusterGrain>(0);

    public IConversationGrain Conversation(string id = "conversation") => _cluster.Client.GetGrain<IConversationGrain>(id);

    public ITranscriptGrain Transcript(string id) => _cluster.Client.GetGrain<ITranscriptGrain>(id);

    public IConversationListGrain ListOf(string owner) => _cluster.Client.GetGrain<IConversationListGrain>(owner);

    public T Service<T>(int silo = 0) where T : notnull => Silos[silo].ServiceProvider.GetRequiredService<T>();

    public IManagementGrain Management => _cluster.Client.GetGrain<IManagementGrain>(0);

    /// <summary>One more silo.</summary>
    public Task Join() => _cluster.StartAdditionalSiloAsync();

    /// <summary>As SIGTERM does.</summary>
    public Task Stop(InProcessSiloHandle silo) => _cluster.StopSiloAsync(silo);

    public Task Deactivate(IAddressable grain) => _cluster.DeactivateAsync(grain);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();
}
