using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Errors;
using SmolCluster.Gateway.Models;
using SmolCluster.Gateway.Operations;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Conversations;

/// <summary>/v1/conversations: conversations that the cluster keeps, each a tree of messages, by owner (<see cref="Callers"/>). In
/// objects and ids as OpenAI's conversations where they have the same; a message is posted with the settings of a chat
/// completion, and its answer streams with consecutive ids.</summary>
internal static class ConversationsApi
{
    private const int MostListed = 100;

    public static void MapConversations(this IEndpointRouteBuilder routes)
    {
        var conversations = routes.MapGroup("/v1/conversations");
        conversations.MapGet("", List);
        conversations.MapPost("", Create);
        conversations.MapGet("/{id}", Read);
        conversations.MapPost("/{id}", Change);
        conversations.MapDelete("/{id}", Delete);
        conversations.MapPost("/{id}/fork", Fork);
        conversations.MapPost("/{id}/stop", Stop);
        conversations.MapGet("/{id}/export", Export);
        conversations.MapPost("/{id}/messages", Post);
        conversations.MapPost("/{id}/messages/{message:int}/continue", Continue);
        conversations.MapGet("/{id}/messages/{message:int}/events", Events);
    }

    private static async Task<JsonHttpResult<ConversationList>> List(HttpContext http, [FromServices] IGrainFactory grains, ModelDirectory models, string? after, string? search, int limit = 20)
    {
        models.ThrowIfConnecting();
        if (limit is < 1 or > MostListed)
            throw new ApiException(ApiError.Invalid("limit", "invalid_value", $"Invalid 'limit': {limit} is out of range; expected a value from 1 to {MostListed}."));
        var page = await grains.GetGrain<IConversationListGrain>(Callers.OwnerOf(http)).List(limit, after, string.IsNullOrWhiteSpace(search) ? null : search.Trim());
        return TypedResults.Json(ConversationList.Of(page), GatewayJson.Default.ConversationList);
    }

    private static async Task<JsonHttpResult<ConversationObject>> Create(HttpContext http, [FromServices] IGrainFactory grains, ModelDirectory models, IOptions<GatewayOptions> options, TimeProvider time)
    {
        models.ThrowIfConnecting();
        using var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes);
        var transcript = ConversationReader.ReadNew(body.RootElement, Callers.OwnerOf(http), time.GetUtcNow());
        string id = ConversationId.New();
        await grains.GetGrain<ITranscriptGrain>(id).Create(transcript);
        http.Response.Headers.Location = $"/v1/conversations/{id}";
        return Json(id, transcript, StatusCodes.Status201Created);
    }

    private static async Task<JsonHttpResult<ConversationObject>> Read(string id, HttpContext http, [FromServices] IGrainFactory grains, ModelDirectory models)
    {
        var conversation = Find(id, grains, models);
        return Json(id, await conversation.Read(Callers.OwnerOf(http)));
    }

    private static async Task<JsonHttpResult<ConversationObject>> Change(string id, HttpContext http, [FromServices] IGrainFactory grains, ModelDirectory models, IOptions<GatewayOptions> options)
    {
        var conversation = Find(id, grains, models);
        using var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes);
        return Json(id, await conversation.Change(Callers.OwnerOf(http), ConversationReader.ReadChange(body.RootElement)));
    }

    private static async Task<JsonHttpResult<DeletedConversation>> Delete(string id, HttpContext http, [FromServices] IGrainFactory grains, ModelDirectory models)
    {
        await Find(id, grains, models).Delete(Callers.OwnerOf(http));
        return TypedResults.Json(new DeletedConversation(id), GatewayJson.Default.DeletedConversation);
    }

    private static async Task<JsonHttpResult<ConversationObject>> Fork(string id, HttpContext http, [FromServices] IGrainFactory grains, ModelDirectory models, IOptions<GatewayOptions> options)
    {
        var conversation = Find(id, grains, models);
        using var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes);
        var (message, title) = ConversationReader.ReadFork(body.RootElement);
        string owner = Callers.OwnerOf(http);
        string forked = await conversation.Fork(owner, message, title);
        http.Response.Headers.Location = $"/v1/conversations/{forked}";
        return Json(forked, await grains.GetGrain<ITranscriptGrain>(forked).Read(owner), StatusCodes.Status201Created);
    }

    private static async Task<JsonHttpResult<ConversationObject>> Stop(string id, HttpContext http, [FromServices] IGrainFactory grains, ModelDirectory models)
    {
        var conversation = Find(id, grains, models);
        await conversation.StopAnswer(Callers.OwnerOf(http));
        return Json(id, await conversation.Read(Callers.OwnerOf(http)));
    }

    /// <summary>?format=markdown (the branch that is shown) or json (as it is read).</summary>
    private static async Task<IResult> Export(string id, HttpContext http, [FromServices] IGrainFactory grains, ModelDirectory models, string format = "markdown")
    {
        if (format is not ("markdown" or "json"))
            throw new ApiException(ApiError.Invalid("format", "invalid_value", "Invalid 'format': expected markdown or json."));
        var transcript = await Find(id, grains, models).Read(Callers.OwnerOf(http));
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"{id}.{(format == "json" ? "json" : "md")}\"";
        return format == "json" ? Json(id, transcript) : TypedResults.Text(TranscriptMarkdown.Of(transcript), "text/markdown", System.Text.Encoding.UTF8);
    }

    private static async Task<IResult> Post(string id, HttpContext http, [FromServices] IGrainFactory grains, ModelDirectory models, IOptions<GatewayOptions> options, TimeProvider time,
        Answers answers, AnswerMeters meters)
    {
        var conversation = Find(id, grains, models);
        string owner = Callers.OwnerOf(http);
        using var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes);
        var (post, stream) = ConversationReader.ReadPost(body.RootElement, owner, time.GetLocalNow());
        post = post with { Request = answers.Weighted(post.Request) };
        try
        {
            int message = await conversation.Post(owner, post);
            return await Answer(id, new TurnStream(conversation, owner, message, after: 0, meters.Begin(id, post.Request)), conversation, owner, stream, http);
        }
        catch (ChatException exception) when (exception.Error == ChatError.ModelNotFound)
        {
            throw new ApiException(ModelsApi.NotFound(post.Request.Model, await models.List()), exception);
        }
    }

    private static async Task<IResult> Continue(string id, int message, HttpContext http, [FromServices] IGrainFactory grains, ModelDirectory models, IOptions<GatewayOptions> options,
        AnswerMeters meters)
    {
        var conversation = Find(id, grains, models);
        string owner = Callers.OwnerOf(http);
        using var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes);
        var (maxTokens, stream) = ConversationReader.ReadContinuation(body.RootElement);
        var known = (await conversation.Read(owner)).Find(message)?.Answer;
        await conversation.GoOn(owner, message, maxTokens);
        var meter = known is null ? null : meters.Again(id, known.Request, known.CompletionTokens);
        return await Answer(id, new TurnStream(conversation, owner, message, after: 0, meter), conversation, owner, stream, http);
    }

    /// <summary>The events after the header Last-Event-ID.</summary>
    private static async Task<TurnStream> Events(string id, int message, HttpContext http, [FromServices] IGrainFactory grains, ModelDirectory models)
    {
        var conversation = Find(id, grains, models);
        string owner = Callers.OwnerOf(http);
        var transcript = await conversation.Read(owner);
        if (transcript.Find(message) is not { Answer: not null })
            throw new ChatException(ChatError.MessageNotFound, $"This conversation has no answer {message}.");
        return new(conversation, owner, message, ChatApi.ReadLastEventId(http.Request));
    }

    private static async Task<IResult> Answer(string id, TurnStream turn, ITranscriptGrain conversation, string owner, bool stream, HttpContext http)
    {
        if (stream)
            return turn;
        await turn.WaitForEndAsync(http);
        return Json(id, await conversation.Read(owner));
    }

    private static ITranscriptGrain Find(string id, IGrainFactory grains, ModelDirectory models)
    {
        models.ThrowIfConnecting();
        // an id that was never given out is not worth an activation
        return ConversationId.Is(id) ? grains.GetGrain<ITranscriptGrain>(id)
            : throw new ChatException(ChatError.ConversationNotFound, $"There is no conversation '{(id.Length > 64 ? id[..64] + "…" : id)}' here.");
    }

    private static JsonHttpResult<ConversationObject> Json(string id, Transcript transcript, int status = StatusCodes.Status200OK) =>
        TypedResults.Json(ConversationObject.Of(id, transcript), GatewayJson.Default.ConversationObject, statusCode: status);
}
