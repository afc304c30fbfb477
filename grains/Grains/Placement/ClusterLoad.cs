using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace SmolCluster.Grains.Placement;

/// <summary>What every silo can take, as this one knows it: asked of each once a second, so that placing a conversation costs no
/// call. What was placed since is counted on top, or all of a second's requests would go to the one silo that looked free.</summary>
internal sealed class ClusterLoad(ModelHostClient hosts, ISiloStatusOracle silos, TimeProvider time, ILogger<ClusterLoad> logger) : BackgroundService
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<SiloAddress, IReadOnlyList<ModelLoad>> _known = new();
    private readonly ConcurrentDictionary<(SiloAddress, string), int> _placed = new();

    /// <returns>Null: the model cannot answer there, as far as is known.</returns>
    public PlacementCandidate? Of(SiloAddress silo, string model)
    {
        var load = _known.GetValueOrDefault(silo)?.FirstOrDefault(one => one.Model == model);
        return load is null ? null : new PlacementCandidate(silo.ToParsableString(),
            load.Answers + _placed.GetValueOrDefault((silo, model)), load.Pages == 0 ? 1 : (double)load.FreePages / load.Pages);
    }

    /// <returns>Of these silos the one to go on with what was begun elsewhere, and counts it there; null: none can, as far as is known.</returns>
    public SiloAddress? Choose(IEnumerable<SiloAddress> silos, string model)
    {
        var open = silos.Select(silo => (Silo: silo, Load: Of(silo, model))).Where(silo => silo.Load is not null).ToArray();
        if (open.Length == 0) return null;
        var chosen = open[PlacementChoice.Of([.. open.Select(silo => silo.Load!.Value)], prefix: null)].Silo;
        Placed(chosen, model);
        return chosen;
    }

    /// <summary>Silos that have told their load.</summary>
    public IEnumerable<SiloAddress> Known => _known.Keys;

    public void Placed(SiloAddress silo, string model) => _placed.AddOrUpdate((silo, model), 1, (_, count) => count + 1);

    /// <summary>Asks every active silo, now.</summary>
    /// <returns>Those silos.</returns>
    public async Task<IReadOnlyCollection<SiloAddress>> Refresh()
    {
        SiloAddress[] active = [.. silos.GetApproximateSiloStatuses(onlyActive: true).Keys];
        foreach (var gone in _known.Keys.Except(active)) _known.TryRemove(gone, out _);
        await Task.WhenAll(active.Select(Refresh));
        return active;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_period, time);
        do await Refresh();
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task Refresh(SiloAddress silo)
    {
        try
        {
            _known[silo] = await hosts.Loads(silo).WaitAsync(s_period, time);
            foreach (var counted in _placed.Keys.Where(key => key.Item1.Equals(silo))) _placed.TryRemove(counted, out _);
        }
        catch (Exception problem) when (problem is TimeoutException or OrleansException)
        {
            _known.TryRemove(silo, out _);
            logger.LogInformation("Silo {Silo} does not tell its load: {Problem}", silo, problem.Message);
        }
    }
}
