using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Errors;
using SmolCluster.Gateway.Keys;
using SmolCluster.Gateway.Models;
using SmolCluster.Gateway.Operations;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>POST /v1/chat/completions. A request is a conversation that ends with its answer, and the answer's id is the
/// conversation's. Streaming is the primitive: a plain answer is the same stream, collected.
/// <para>GET /v1/chat/completions/{id}/events: the rest of a stream that broke, after the header Last-Event-ID, at any
/// gateway.</para></summary>
internal static class ChatApi
{
    private const string SeedHeader = "X-SmolCluster-Seed";
    private const string SiloHeader = "X-SmolCluster-Silo";
    private const string LastEventId = "Last-Event-ID";

    public static void MapChatCompletions(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/chat/completions", Complete)
            .WithTags("OpenAI chat").WithSummary("An answer to a conversation").Produces<ChatCompletion>()
            .WithMetadata(new RequestFields(ChatFields.Names, """{"model": "smolcluster-demo", "messages": [{"role": "user", "content": "What is a silo?"}]}"""));
        routes.MapGet("/v1/chat/completions/{id}/events", Resume).WithTags("OpenAI chat").WithSummary("The rest of a stream that broke");
    }

    private static async Task<Results<JsonHttpResult<ChatCompletion>, StreamedAnswer>> Complete(
        HttpContext http, Answers answers, ModelDirectory models, IOptions<GatewayOptions> options, TimeProvider time)
    {
        models.ThrowIfConnecting();
        ChatCall call;
        using (var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes))
            call = ChatRequestReader.Read(body.RootElement, http.QueueUser(), time.GetLocalNow()).AskedBy(http);

        var answer = await answers.StartAsync(call.Requests, http.RequestAborted);
        http.Response.Headers[SeedHeader] = unchecked((long)call.Request.Sampling.Seed).ToString();
        if (answer.First.Started is { } started)
            http.Response.Headers[SiloHeader] = started.Silo;
        if (call.Stream)
            return new StreamedAnswer(answer, after: 0, () => Forget(call, answer.First.Id, answers));
        await using (answer)
            return TypedResults.Json(await CollectedAnswer.ReadAsync(answer), GatewayJson.Default.ChatCompletion);
    }

    private static async Task<StreamedAnswer> Resume(string id, HttpContext http, Answers answers, ModelDirectory models)
    {
        models.ThrowIfConnecting();
        long after = ReadLastEventId(http.Request);
        var answer = await answers.ResumeAsync(id, after, http.RequestAborted);
        return new(answer, after, () => answers.Forget(id));
    }

    private static void Forget(ChatCall call, string id, Answers answers)
    {
        if (call.Request.Keep != Keep.Nothing)
            answers.Forget(id);
    }

    public static long ReadLastEventId(HttpRequest request)
    {
        string? text = request.Headers[LastEventId];
        if (string.IsNullOrEmpty(text))
            return 0;
        return long.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out long number) ? number
            : throw new ApiException(ApiError.Invalid(LastEventId, "invalid_value",
                $"Invalid '{LastEventId}': expected the id of the last event received, an integer from 0."));
    }
}
