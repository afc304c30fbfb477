using Orleans.Runtime.Placement;
using SmolCluster.Contracts;

namespace SmolCluster.Grains.Placement;

/// <summary>Places conversations by what silos can take, see <see cref="PlacementChoice"/>. Where nobody is known to have the
/// model, anyone takes the conversation and says so to whoever asks.</summary>
internal sealed class PlaceByLoadDirector(ClusterLoad load) : IPlacementDirector
{
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        var silos = context.GetCompatibleSilos(target);
        if (IPlacementDirector.GetPlacementHint(target.RequestContextData, silos) is { } hint) return Task.FromResult(hint);
        var (model, prefix) = PlacementWish.Read(target.RequestContextData);
        var open = silos.Select(silo => (Silo: silo, Load: model is null ? null : load.Of(silo, model))).Where(silo => silo.Load is not null).ToArray();
        if (open.Length == 0) return Task.FromResult(silos[Random.Shared.Next(silos.Length)]);
        // in another order each time: the first of equals is chosen
        Random.Shared.Shuffle(open);
        var chosen = open[PlacementChoice.Of([.. open.Select(silo => silo.Load!.Value)], prefix)].Silo;
        load.Placed(chosen, model!);
        return Task.FromResult(chosen);
    }
}
