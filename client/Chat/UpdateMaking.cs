using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using SmolCluster.Contracts;

namespace SmolCluster.Chat;

/// <summary>From an answer's events, in order, to the updates of its response. Each has its event as raw representation.</summary>
/// <param name="showsReasoning">Whether the reader wants the model's reasoning.</param>
internal sealed class UpdateMaking(string model, bool showsReasoning)
{
    private readonly string _id = AnswerId.New();
    private readonly DateTimeOffset _created = DateTimeOffset.UtcNow;
    private readonly StringBuilder _arguments = new();
    private (string Id, string Name)? _call;

    public IEnumerable<ChatResponseUpdate> Of(GenerationEvent happened)
    {
        if (happened is not (ToolCallDelta { CallId: null } or KeepAlive) && TakeCall() is { } call) yield return Update(happened, call);
        switch (happened)
        {
            case AnswerStarted: yield return Update(happened); break;
            case TextDelta text: yield return Update(happened, new TextContent(text.Text)); break;
            case ReasoningDelta thought when showsReasoning: yield return Update(happened, new TextReasoningContent(thought.Text)); break;
            case ToolCallDelta piece: Collect(piece); break;
            case AnswerFinished end: yield return End(end); break;
        }
    }

    private void Collect(ToolCallDelta piece)
    {
        if (piece is { CallId: { } id, Name: { } name }) _call = (id, name);
        _arguments.Append(piece.Arguments);
    }

    /// <summary>The call that is whole now, if one is.</summary>
    private FunctionCallContent? TakeCall()
    {
        if (_call is not var (id, name)) return null;
        var call = FunctionCallContent.CreateFromParsedArguments(_arguments.ToString(), id, name,
            static json => JsonSerializer.Deserialize<Dictionary<string, object?>>(json, ChatJson.Options));
        (_call, _) = (null, _arguments.Clear());
        return call;
    }

    private ChatResponseUpdate End(AnswerFinished end)
    {
        var update = Update(end, new UsageContent(new UsageDetails
        {
            InputTokenCount = end.PromptTokens,
            OutputTokenCount = end.CompletionTokens,
            TotalTokenCount = end.PromptTokens + end.CompletionTokens,
            CachedInputTokenCount = end.CachedTokens,
            ReasoningTokenCount = end.ReasoningTokens,
        }));
        update.FinishReason = end.Reason switch
        {
            "length" => ChatFinishReason.Length,
            "tool_calls" => ChatFinishReason.ToolCalls,
            _ => ChatFinishReason.Stop,
        };
        return update;
    }

    private ChatResponseUpdate Update(GenerationEvent happened, params AIContent[] contents) => new(ChatRole.Assistant, [.. contents])
    {
        ResponseId = _id,
        MessageId = _id,
        ModelId = model,
        CreatedAt = _created,
        RawRepresentation = happened,
    };
}
