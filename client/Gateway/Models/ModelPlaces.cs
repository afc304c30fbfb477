using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Models;

/// <summary><see cref="ModelCalls"/>, with the errors that clients get.</summary>
internal sealed class ModelPlaces(IGrainFactory grains, ModelDirectory models)
{
    /// <param name="call">To a grain that was never called before: one that is placed already stays where it is.</param>
    /// <exception cref="Errors.ApiException">404: no silo has the model.</exception>
    public async Task<T> CallAsync<T>(string model, Func<Task<T>> call)
    {
        try
        {
            return await ModelCalls.WhereReady(grains, model, call);
        }
        catch (ChatException exception) when (exception.Error == ChatError.ModelNotFound)
        {
            // the silo that refused knows its own models; the client wants to hear of all there are
            throw new Errors.ApiException(ModelsApi.NotFound(model, await models.List()), exception);
        }
    }
}
