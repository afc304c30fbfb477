using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Errors;
using SmolCluster.Gateway.Keys;
using SmolCluster.Gateway.Models;
using SmolCluster.Gateway.Operations;
using SmolCluster.Gateway.Requests;
using SmolCluster.Gateway.Tokens;

namespace SmolCluster.Gateway.Responses;

/// <summary>/v1/responses: create (plain, streamed, in the background), retrieve (and stream on after a sequence number), cancel, delete,
/// the input's items, and how many tokens an input has. A stored response is a conversation with one answer, kept until it is deleted.</summary>
internal static class ResponsesApi
{
    private const string Tag = "OpenAI responses";

    public static void MapResponses(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/responses", Create).WithTags(Tag).WithSummary("An answer that can go on in the background and be gone on from")
            .WithMetadata(new RequestFields(ResponsesRequestReader.Known, """{"model": "smolcluster-demo", "input": "What is a silo?"}"""));
        routes.MapPost("/v1/responses/input_tokens", Count).WithTags(Tag).WithSummary("How many tokens its prompt would have")
            .WithMetadata(new RequestFields(ResponsesRequestReader.Known, """{"model": "smolcluster-demo", "input": "What is a silo?"}"""));
        routes.MapGet("/v1/responses/{id}", Retrieve).WithTags(Tag).WithSummary("A stored response, or the rest of its events");
        routes.MapDelete("/v1/responses/{id}", Delete).WithTags(Tag).WithSummary("Ends and deletes it");
        routes.MapPost("/v1/responses/{id}/cancel", Cancel).WithTags(Tag).WithSummary("Ends one in the background");
        routes.MapGet("/v1/responses/{id}/input_items", Items).WithTags(Tag).WithSummary("What it was asked");
    }

    private static async Task<IResult> Create(HttpContext http, Answers answers, BackgroundAnswers background, StoredResponses stored, ModelDirectory models,
        IOptions<GatewayOptions> options, TimeProvider time)
    {
        models.ThrowIfConnecting();
        var (draft, request, notes) = await ReadAsync(http, stored, options.Value, time);
        Func<string>? newId = draft.Store ? ResponseId.New : null;
        if (draft is { Background: true, Stream: false })
        {
            string id = await background.StartAsync(stop => answers.StartAsync(request, stop, newId));
            return Json(new ResponseObject(id, request.Asked!.Value.ToUnixTimeSeconds(), notes).Json("in_progress", []));
        }
        var answer = await answers.StartAsync(request, http.RequestAborted, newId);
        var response = new ResponseObject(ResponseId.Of(answer.Id), answer.Created, notes);
        if (draft.Stream)
            return new AnswerResponse(answer, new ResponseWriter(response), () => { }, left: () => GoOnIf(draft.Background, background, answer.Id));
        await using (answer)
            return Json(Whole(response, await FinishedAnswer.ReadAsync(answer)));
    }

    private static async Task<IResult> Count(HttpContext http, Tokenizers tokenizers, StoredResponses stored, ModelDirectory models,
        IOptions<GatewayOptions> options, TimeProvider time)
    {
        models.ThrowIfConnecting();
        var (_, request, _) = await ReadAsync(http, stored, options.Value, time);
        return Json(new() { ["object"] = "response.input_tokens", ["input_tokens"] = (await tokenizers.EncodeChatAsync(request)).Tokens.Count });
    }

    private static async Task<(ResponseDraft Draft, ChatRequest Request, ResponseNotes Notes)> ReadAsync(HttpContext http, StoredResponses stored, GatewayOptions options, TimeProvider time)
    {
        ResponseDraft draft;
        using (var body = await RequestBody.ReadObjectAsync(http, options.MaxRequestBytes))
            draft = ResponsesRequestReader.Read(body.RootElement, http.QueueUser, time.GetLocalNow());
        var (request, notes) = draft.After(draft.Previous is { } previous ? await stored.MessagesOf(previous, http) : []);
        return (draft, request, notes);
    }

    /// <summary>As it stands; of one that has ended, with its usage; or, with "stream", all of its events after one that the client has.</summary>
    private static async Task<IResult> Retrieve(string id, HttpContext http, Answers answers, BackgroundAnswers background, StoredResponses stored,
        bool stream = false, long starting_after = -1)
    {
        var (known, response) = await stored.Find(id, http);
        bool runs = known.FinishReason is null && response.Notes.Background;
        if (stream)
        {
            if (known.FinishReason is ConversationSnapshot.Cancelled || (known.FinishReason is null && !runs))
                throw new ApiException(ApiError.Invalid("stream", "invalid_value", $"The response '{id}' was cancelled: there is no more of it to come. Retrieve it without 'stream'."));
            var following = await answers.FollowAsync(id, http.RequestAborted);
            return new AnswerResponse(following, new ResponseWriter(response, starting_after), () => { }, left: () => GoOnIf(runs, background, id));
        }
        if (runs && !known.Running)
            background.GoOn(id);
        if (known.FinishReason is null or ConversationSnapshot.Cancelled)
            return Json(response.Json(runs ? "in_progress" : "cancelled", response.Output(StoredResponses.ContentOf(known), runs ? "in_progress" : "incomplete")));
        await using var answer = await answers.FollowAsync(id, http.RequestAborted);
        return Json(Whole(response, await FinishedAnswer.ReadAsync(answer)));
    }

    private static async Task<IResult> Delete(string id, HttpContext http, BackgroundAnswers background, StoredResponses stored)
    {
        _ = await stored.Find(id, http);
        background.Stop(id);
        await stored.Conversation(id).Forget();
        return Json(new() { ["id"] = id, ["object"] = "response", ["deleted"] = true });
    }

    private static async Task<IResult> Cancel(string id, HttpContext http, BackgroundAnswers background, StoredResponses stored)
    {
        var (known, response) = await stored.Find(id, http);
        if (!response.Notes.Background)
            throw new ApiException(ApiError.Invalid(null, "invalid_value", $"The response '{id}' was not made with 'background': leave its connection to cancel it."));
        if (known.FinishReason is null)
        {
            await stored.Conversation(id).Cancel();
            background.Stop(id);
            known = (await stored.Find(id, http)).Known;
        }
        string status = known.FinishReason switch { ConversationSnapshot.Cancelled => "cancelled", "length" => "incomplete", _ => "completed" };
        return Json(response.Json(status, response.Output(StoredResponses.ContentOf(known), status == "completed" ? status : "incomplete")));
    }

    private static async Task<IResult> Items(string id, HttpContext http, StoredResponses stored, string? after = null, int limit = 20, string order = "desc")
    {
        if (limit is < 1 or > 100)
            throw new ApiException(ApiError.Invalid("limit", "invalid_value", $"Invalid 'limit': {limit} is out of range; expected a value from 1 to 100."));
        if (order is not ("asc" or "desc"))
            throw new ApiException(ApiError.Invalid("order", "invalid_value", "Invalid 'order': expected 'asc' or 'desc'."));
        var (known, response) = await stored.Find(id, http);
        var all = InputItems.Show(id, known.Request.Messages.Skip(response.Notes.Instructions)).ToList();
        if (order == "desc")
            all.Reverse();
        var rest = after is null ? all : [.. all.SkipWhile(item => (string?)item["id"] != after).Skip(1)];
        var page = rest.Take(limit).ToList();
        return Json(new()
        {
            ["object"] = "list",
            ["data"] = new JsonArray([.. page]),
            ["first_id"] = page.FirstOrDefault()?["id"]?.DeepClone(),
            ["last_id"] = page.LastOrDefault()?["id"]?.DeepClone(),
            ["has_more"] = rest.Count > page.Count,
        });
    }

    private static JsonObject Whole(ResponseObject response, FinishedAnswer answer) =>
        response.Json(ResponseObject.StatusOf(answer.End), response.Output(answer.Content, ResponseObject.StatusOf(answer.End)), answer.End);

    private static void GoOnIf(bool wanted, BackgroundAnswers background, string id)
    {
        if (wanted)
            background.GoOn(id);
    }

    private static ContentHttpResult Json(JsonObject json) => TypedResults.Content(json.ToJsonString(ResponsesJson.Readable), "application/json; charset=utf-8");
}

internal static class ResponsesJson
{
    public static System.Text.Json.JsonSerializerOptions Readable { get; } = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = GatewayJson.Default,
    };
}
