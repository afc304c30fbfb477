using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Orleans.Runtime.Placement;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Errors;
using SmolCluster.Gateway.Models;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>POST /v1/chat/completions. A request is a conversation that ends with its answer, and the answer's id is the
/// conversation's. Streaming is the primitive: a plain answer is the same stream, collected.</summary>
internal static class ChatApi
{
    private const string SeedHeader = "X-SmolCluster-Seed";

    public static void MapChatCompletions(this IEndpointRouteBuilder routes) => routes.MapPost("/v1/chat/completions", Complete);

    private static async Task<Results<JsonHttpResult<ChatCompletion>, StreamedAnswer>> Complete(
        HttpContext http, IGrainFactory grains, ModelDirectory models, IOptions<GatewayOptions> options, TimeProvider time)
    {
        models.ThrowIfConnecting();
        ChatCall call;
        using (var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes))
            call = ChatRequestReader.Read(body.RootElement, $"address:{http.Connection.RemoteIpAddress}");

        var answer = await StartWhereReadyAsync(Start, models, call.Request.Model).OrModelNotFound(models, call.Request.Model);
        http.Response.Headers[SeedHeader] = unchecked((long)call.Request.Sampling.Seed).ToString();
        if (call.Stream)
            return new StreamedAnswer(answer, call.IncludeUsage);
        await using (answer)
            return TypedResults.Json(await CollectedAnswer.ReadAsync(answer), GatewayJson.Default.ChatCompletion);

        Task<RunningAnswer> Start()
        {
            string id = $"chatcmpl-{Guid.NewGuid():N}";
            return RunningAnswer.StartAsync(id, grains.GetGrain<IConversationGrain>(id), call.Request, time, http.RequestAborted);
        }
    }

    /// <summary>Conversations are placed where there is room, whatever models are there. If the silo they come to cannot answer but
    /// another can, a second one is placed there; asking first would cost every request what hardly any needs.</summary>
    private static async Task<RunningAnswer> StartWhereReadyAsync(Func<Task<RunningAnswer>> start, ModelDirectory models, string model)
    {
        try
        {
            return await start();
        }
        catch (ChatException exception) when (exception.Error is ChatError.ModelNotFound or ChatError.ModelLoading or ChatError.ModelFailed)
        {
            var silos = await models.WhereReady(model);
            if (silos.Count == 0)
                throw;
            // flows into the calls made from here on, and leaves with this method
            RequestContext.Set(IPlacementDirector.PlacementHintKey, silos[Random.Shared.Next(silos.Count)]);
            return await start();
        }
    }

    /// <summary>The silo that refused knows its own models; the client wants to hear of all there are.</summary>
    private static async Task<RunningAnswer> OrModelNotFound(this Task<RunningAnswer> starting, ModelDirectory models, string model)
    {
        try
        {
            return await starting;
        }
        catch (ChatException exception) when (exception.Error == ChatError.ModelNotFound)
        {
            throw new ApiException(ModelsApi.NotFound(model, await models.List()), exception);
        }
    }
}
