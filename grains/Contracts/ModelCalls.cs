using Orleans.Runtime.Placement;

namespace SmolCluster.Contracts;

/// <summary>Makes calls where a model is. Grains are placed where there is room, whatever models are there. If the silo they come to cannot
/// answer but another can, the call is made once more, there; asking first would cost every request what hardly any needs.</summary>
public static class ModelCalls
{
    /// <param name="call">To a grain that was never called before: one that is placed already stays where it is.</param>
    public static async Task<T> WhereReady<T>(IGrainFactory grains, string model, Func<Task<T>> call)
    {
        // what is set here flows into the calls made from here on, and leaves with this method
        PlacementWish.Set(model, prefix: null);
        try
        {
            return await call();
        }
        catch (ChatException exception) when (exception.Error is ChatError.ModelNotFound or ChatError.ModelLoading or ChatError.ModelFailed)
        {
            var silos = await grains.GetGrain<IModelsGrain>(0).WhereReady(model);
            if (silos.Count == 0)
                throw;
            RequestContext.Set(IPlacementDirector.PlacementHintKey, silos[Random.Shared.Next(silos.Count)]);
            return await call();
        }
    }
}
