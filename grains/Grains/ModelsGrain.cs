using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using SmolCluster.Contracts;

namespace SmolCluster.Grains;

/// <summary>The cluster's models. Asks every active silo anew each time, all at once and with a bounded wait: a list that is
/// short of one dead silo is worth more than no list. Reentrant, so that one slow silo does not line the callers up.</summary>
[Reentrant]
internal sealed class ModelsGrain(ModelHostClient hosts, TimeProvider time, ILogger<ModelsGrain> logger) : Grain, IModelsGrain
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    public async Task<IReadOnlyList<ModelStatus>> List() => Merge((await StatusesBySilo()).SelectMany(answer => answer.Statuses));

    public async Task<IReadOnlyList<SiloAddress>> WhereReady(string model) =>
        [.. (await StatusesBySilo())
            .Where(answer => answer.Statuses.Any(status => status.Id == model && status.State == "ready"))
            .Select(answer => answer.Silo)];

    private async Task<(SiloAddress Silo, ModelStatus[] Statuses)[]> StatusesBySilo()
    {
        var silos = await GrainFactory.GetGrain<IManagementGrain>(0).GetHosts(onlyActive: true);
        return await Task.WhenAll(silos.Keys.Select(async silo => (silo, await StatusesOf(silo))));
    }

    /// <summary>One entry an id, in order of id; where silos differ, the one that serves best speaks for the model: ready before
    /// loading before failed.</summary>
    private static ModelStatus[] Merge(IEnumerable<ModelStatus> statuses) =>
        [.. statuses.GroupBy(status => status.Id, StringComparer.Ordinal)
            .Select(same => same.OrderBy(Rank).ThenByDescending(status => status.Progress).First())
            .OrderBy(status => status.Id, StringComparer.Ordinal)];

    private async Task<ModelStatus[]> StatusesOf(SiloAddress silo)
    {
        try
        {
            return await hosts.Statuses(silo).WaitAsync(s_patience, time);
        }
        catch (Exception problem) when (problem is TimeoutException or OrleansException)
        {
            logger.LogWarning("Silo {Silo} does not answer for its models: {Problem}", silo, problem.Message);
            return [];
        }
    }

    private static int Rank(ModelStatus status) => status.State switch { "ready" => 0, "loading" => 1, "stage" => 2, _ => 3 };
}
