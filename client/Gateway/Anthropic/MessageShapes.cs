using System.Text.Json;
using System.Text.Json.Serialization;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Anthropic;

/// <summary>An answer in Anthropic's shape.</summary>
/// <param name="StopReason">end_turn, max_tokens, stop_sequence or tool_use; null while it runs.</param>
internal sealed record AnthropicMessage(string Id, string Model, IReadOnlyList<ContentBlock> Content,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? StopReason,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? StopSequence, AnthropicUsage Usage)
{
    public string Type { get; } = "message";

    public string Role { get; } = "assistant";

    public static string StopReasonOf(AnswerFinished finished) => finished.Reason switch
    {
        "length" => "max_tokens",
        "tool_calls" => "tool_use",
        _ => finished.StopSequence is null ? "end_turn" : "stop_sequence",
    };
}

/// <summary>A part of an answer; of the fields after the type, those of the type are there.</summary>
internal sealed record ContentBlock(string Type)
{
    public string? Text { get; init; }

    public string? Thinking { get; init; }

    /// <summary>Anthropic's proof that a thought is its own; nothing here needs one.</summary>
    public string? Signature { get; init; }

    public string? Id { get; init; }

    public string? Name { get; init; }

    public JsonElement? Input { get; init; }

    public static ContentBlock OfText(string text) => new("text") { Text = text };

    public static ContentBlock OfThinking(string thinking) => new("thinking") { Thinking = thinking, Signature = "" };

    public static ContentBlock OfCall(string id, string name, JsonElement input) => new("tool_use") { Id = id, Name = name, Input = input };
}

/// <param name="InputTokens">Without those that were cached.</param>
internal sealed record AnthropicUsage(int InputTokens, int CacheReadInputTokens, int OutputTokens)
{
    public int CacheCreationInputTokens { get; }

    public static AnthropicUsage Of(AnswerFinished finished) =>
        new(finished.PromptTokens - finished.CachedTokens, finished.CachedTokens, finished.CompletionTokens);
}

internal sealed record TokenCount(int InputTokens);

internal sealed record MessageStart(AnthropicMessage Message)
{
    public string Type { get; } = "message_start";
}

internal sealed record BlockStart(int Index, ContentBlock ContentBlock)
{
    public string Type { get; } = "content_block_start";
}

internal sealed record BlockDelta(int Index, DeltaOfBlock Delta)
{
    public string Type { get; } = "content_block_delta";
}

internal sealed record DeltaOfBlock(string Type)
{
    public string? Text { get; init; }

    public string? Thinking { get; init; }

    public string? PartialJson { get; init; }
}

internal sealed record BlockStop(int Index)
{
    public string Type { get; } = "content_block_stop";
}

internal sealed record MessageDelta(MessageEnd Delta, AnthropicUsage Usage)
{
    public string Type { get; } = "message_delta";
}

internal sealed record MessageEnd(string StopReason, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? StopSequence);

internal sealed record MessageStop
{
    public string Type { get; } = "message_stop";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AnthropicMessage))]
[JsonSerializable(typeof(TokenCount))]
[JsonSerializable(typeof(MessageStart))]
[JsonSerializable(typeof(BlockStart))]
[JsonSerializable(typeof(BlockDelta))]
[JsonSerializable(typeof(BlockStop))]
[JsonSerializable(typeof(MessageDelta))]
[JsonSerializable(typeof(MessageStop))]
[JsonSerializable(typeof(AnthropicErrorBody))]
internal sealed partial class AnthropicJson : JsonSerializerContext
{
    static AnthropicJson() => Default = new(new JsonSerializerOptions(s_defaultOptions) { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
