using Microsoft.AspNetCore.Http.HttpResults;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Models;

namespace SmolCluster.Gateway.Health;

/// <summary>GET /health/live (the process answers) and GET /health/ready (a question would be answered now).</summary>
internal static class HealthApi
{
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", () => Report(200, new HealthReport("live", [], null))).AllowAnonymous();
        routes.MapGet("/health/ready", Ready).AllowAnonymous();
    }

    private static async Task<JsonHttpResult<HealthReport>> Ready(ModelDirectory models)
    {
        if (!models.Connected)
            return Report(503, new("connecting", [], "The gateway is still connecting to the cluster."));
        try
        {
            return FromModels(await models.List());
        }
        catch (Exception exception) when (exception is OrleansException || AnswerStream.Broke(exception))
        {
            return Report(503, new("unreachable", [], $"No silo answers: {exception.Message}"));
        }
    }

    private static JsonHttpResult<HealthReport> FromModels(IReadOnlyList<ModelStatus> models)
    {
        var states = models.Select(model => new ModelHealth(model.Id, model.Kind, model.State, model.Progress, model.Problem)).ToList();
        if (states.Any(model => model.State == "ready"))
            return Report(200, new("ready", states, null));
        if (states.Any(model => model.State is "loading" or "stage"))
            return Report(503, new("loading", states, null));
        return Report(503, new("failed", states, states.Count == 0 ? "No silo has a model." : "No model could be loaded."));
    }

    private static JsonHttpResult<HealthReport> Report(int status, HealthReport report) =>
        TypedResults.Json(report, GatewayJson.Default.HealthReport, statusCode: status);
}
