using Microsoft.AspNetCore.Http.HttpResults;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Models;

/// <summary>GET /v1/models and GET /v1/models/{id}.</summary>
internal static class ModelsApi
{
    public static void MapModels(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/models", List);
        routes.MapGet("/v1/models/{**id}", Find);
    }

    private static async Task<JsonHttpResult<ModelList>> List(ModelDirectory models) =>
        TypedResults.Json(new ModelList([.. (await models.List()).Select(ModelEntry.From)]), GatewayJson.Default.ModelList);

    private static async Task<JsonHttpResult<ModelEntry>> Find(string id, ModelDirectory models)
    {
        var all = await models.List();
        var model = all.FirstOrDefault(candidate => candidate.Id == id) ?? throw new ApiException(NotFound(id, all));
        return TypedResults.Json(ModelEntry.From(model), GatewayJson.Default.ModelEntry);
    }

    public static ApiError NotFound(string id, IReadOnlyList<ModelStatus> all)
    {
        string have = all.Count == 0 ? "none is loaded yet" : string.Join(", ", all.Select(model => $"'{model.Id}'"));
        return new(StatusCodes.Status404NotFound, $"The model '{id}' is not in this cluster. Its models: {have}.",
            "invalid_request_error", "model", "model_not_found");
    }
}
