using Orleans.Runtime.Placement;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Models;

/// <summary>Makes calls where a model is. Grains are placed where there is room, whatever models are there. If the silo they come to cannot
/// answer but another can, the call is made once more, there; asking first would cost every request what hardly any needs.</summary>
internal sealed class ModelPlaces(ModelDirectory models)
{
    /// <param name="call">To a grain that was never called before: one that is placed already stays where it is.</param>
    /// <exception cref="Errors.ApiException">404: no silo has the model.</exception>
    public async Task<T> CallAsync<T>(string model, Func<Task<T>> call)
    {
        try
        {
            return await WhereReadyAsync(model, call);
        }
        catch (ChatException exception) when (exception.Error == ChatError.ModelNotFound)
        {
            // the silo that refused knows its own models; the client wants to hear of all there are
            throw new Errors.ApiException(ModelsApi.NotFound(model, await models.List()), exception);
        }
    }

    private async Task<T> WhereReadyAsync<T>(string model, Func<Task<T>> call)
    {
        // what is set here flows into the calls made from here on, and leaves with this method
        PlacementWish.Set(model, prefix: null);
        try
        {
            return await call();
        }
        catch (ChatException exception) when (exception.Error is ChatError.ModelNotFound or ChatError.ModelLoading or ChatError.ModelFailed)
        {
            var silos = await models.WhereReady(model);
            if (silos.Count == 0)
                throw;
            RequestContext.Set(IPlacementDirector.PlacementHintKey, silos[Random.Shared.Next(silos.Count)]);
            return await call();
        }
    }
}
