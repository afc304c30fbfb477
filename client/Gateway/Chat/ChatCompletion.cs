using System.Text.Json.Serialization;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Chat;

/// <summary>A plain answer in OpenAI's shape.</summary>
/// <param name="SystemFingerprint">Of the model's weights, tokenizer and kind of cache: with the request it determines the answer.</param>
internal sealed record ChatCompletion(string Id, long Created, string Model, string SystemFingerprint, IReadOnlyList<Choice> Choices, Usage Usage)
{
    public string Object { get; } = "chat.completion";
}

internal sealed record Choice(int Index, AnswerMessage Message, Logprobs? Logprobs, string FinishReason);

/// <param name="Content">Null beside calls, where there is no text.</param>
/// <param name="ReasoningContent">What the model thought before, as other servers of open models tell it.</param>
internal sealed record AnswerMessage(string Role, string? Content,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ReasoningContent,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<AnswerCall>? ToolCalls)
{
    public string? Refusal { get; }

    public static AnswerMessage Of(AnswerContent content)
    {
        var calls = content.ToolCalls;
        string text = content.Text, reasoning = content.Reasoning;
        return new("assistant", text.Length == 0 && calls.Count > 0 ? null : text, reasoning.Length == 0 ? null : reasoning,
            calls.Count == 0 ? null : [.. calls.Select(AnswerCall.Of)]);
    }
}

internal sealed record AnswerCall(string Id, AnswerFunction Function)
{
    public string Type { get; } = "function";

    public static AnswerCall Of(ToolCall call) => new(call.Id, new(call.Name, call.Arguments));
}

internal sealed record AnswerFunction(string Name, string Arguments);
