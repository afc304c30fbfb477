using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Keys;
using SmolCluster.Gateway.Models;
using SmolCluster.Gateway.Operations;
using SmolCluster.Gateway.Requests;
using SmolCluster.Gateway.Tokens;

namespace SmolCluster.Gateway.Anthropic;

/// <summary>POST /v1/messages and /v1/messages/count_tokens, as Anthropic's clients speak it. It is the same request and the same stream of events as everywhere,
/// in other words.</summary>
internal static class MessagesApi
{
    private const string CountExample = """{"model": "smolcluster-demo", "messages": [{"role": "user", "content": "What is a silo?"}]}""";
    private const string Example = """{"model": "smolcluster-demo", "max_tokens": 100, "messages": [{"role": "user", "content": "What is a silo?"}]}""";

    public static void MapMessages(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/messages", Create).WithTags("Anthropic").WithSummary("An answer in Anthropic's form").Produces<AnthropicMessage>()
            .WithMetadata(new RequestFields(MessagesRequestReader.Known, Example));
        routes.MapPost("/v1/messages/count_tokens", Count).WithTags("Anthropic").WithSummary("How many tokens its prompt would have").Produces<TokenCount>()
            .WithMetadata(new RequestFields(MessagesRequestReader.Known.Except(MessagesRequestReader.OfTheAnswer), CountExample));
    }

    private static async Task<Results<JsonHttpResult<AnthropicMessage>, AnswerResponse>> Create(
        HttpContext http, Answers answers, ModelDirectory models, IOptions<GatewayOptions> options, TimeProvider time)
    {
        models.ThrowIfConnecting();
        ChatCall call;
        using (var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes))
            call = MessagesRequestReader.Read(body.RootElement, http.QueueUser, time.GetLocalNow());
        var answer = await answers.StartAsync(call.Request, http.RequestAborted);
        string id = MessageId(answer.Id);
        if (call.Stream)
            return new AnswerResponse(answer, new MessageWriter(id, answer.Request.Model, http.TraceIdentifier), () => answers.Forget(answer.Id));
        await using (answer)
            return TypedResults.Json(Whole(id, answer.Request.Model, await FinishedAnswer.ReadAsync(answer)), AnthropicJson.Default.AnthropicMessage);
    }

    private static async Task<JsonHttpResult<TokenCount>> Count(HttpContext http, Tokenizers tokenizers, ModelDirectory models, IOptions<GatewayOptions> options, TimeProvider time)
    {
        models.ThrowIfConnecting();
        ChatRequest chat;
        using (var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes))
            chat = MessagesRequestReader.ReadCount(body.RootElement, http.QueueUser, time.GetLocalNow());
        return TypedResults.Json(new TokenCount((await tokenizers.EncodeChatAsync(chat)).Tokens.Count), AnthropicJson.Default.TokenCount);
    }

    private static string MessageId(string answer) => "msg_" + answer[(answer.IndexOf('-') + 1)..];

    private static AnthropicMessage Whole(string id, string model, FinishedAnswer answer)
    {
        var content = answer.Content;
        List<ContentBlock> blocks = [];
        if (content.Reasoning.Length > 0)
            blocks.Add(ContentBlock.OfThinking(content.Reasoning));
        if (content.Text.Length > 0)
            blocks.Add(ContentBlock.OfText(content.Text));
        blocks.AddRange(content.ToolCalls.Select(call => ContentBlock.OfCall(call.Id, call.Name, FinishedAnswer.Arguments(call.Arguments))));
        return new(id, model, blocks, AnthropicMessage.StopReasonOf(answer.End), answer.End.StopSequence, AnthropicUsage.Of(answer.End));
    }
}
