using System.Text.Json.Serialization;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Chat;

/// <summary>One piece of a streamed answer in OpenAI's shape.</summary>
/// <param name="Usage">Only on the last piece, and only if asked for.</param>
internal sealed record ChatCompletionChunk(string Id, long Created, string Model, string SystemFingerprint, IReadOnlyList<ChunkChoice> Choices,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Usage? Usage = null)
{
    public string Object { get; } = "chat.completion.chunk";
}

/// <param name="FinishReason">stop, length or tool_calls on the last piece of the answer, else null.</param>
internal sealed record ChunkChoice(int Index, Delta Delta, Logprobs? Logprobs, string? FinishReason)
{
    /// <returns>Null: nothing that this API shows.</returns>
    public static ChunkChoice? Of(int index, GenerationEvent happened) => happened switch
    {
        AnswerFinished finished => new(index, new(), null, finished.Reason),
        TextDelta text => new(index, new(Content: text.Text), Logprobs.Of(text.Logprobs), null),
        _ => Delta.Of(happened) is { } delta ? new(index, delta, null, null) : null,
    };
}

/// <summary>What an event adds to the message.</summary>
internal sealed record Delta(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Role = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Content = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ReasoningContent = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<CallDelta>? ToolCalls = null)
{
    /// <returns>Null: nothing that this API shows, or text.</returns>
    public static Delta? Of(GenerationEvent happened) => happened switch
    {
        AnswerStarted => new(Role: "assistant", Content: ""),
        ReasoningDelta reasoning => new(ReasoningContent: reasoning.Text),
        ToolCallDelta call => new(ToolCalls: [CallDelta.Of(call)]),
        _ => null,
    };
}

/// <param name="Id">With the type, on the call's first piece.</param>
internal sealed record CallDelta(int Index,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Id,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Type,
    FunctionDelta Function)
{
    public static CallDelta Of(ToolCallDelta call) =>
        new(call.Index, call.CallId, call.CallId is null ? null : "function", new(call.Name, call.Arguments));
}

internal sealed record FunctionDelta([property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Name, string Arguments);
