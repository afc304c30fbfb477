using System.Text.Json.Serialization;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Conversations;

/// <summary>What a conversation's stream tells: started, prefill, text, reasoning, finished, each with its fields; and queued, which has no
/// number: how many wait before the prompt's turn comes.</summary>
internal sealed record TurnEvent(string Type)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public int? Message { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Model { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Silo { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public int? ContextLength { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public int? MaxTokens { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public int? Ahead { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Text { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Reason { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public int? PromptTokens { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public int? CompletionTokens { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public int? CachedTokens { get; init; }

    /// <returns>Null: nothing to tell but that the connection lives.</returns>
    public static TurnEvent? Of(GenerationEvent happened, int message) => happened switch
    {
        AnswerStarted started => new("started")
        {
            Message = message,
            Model = started.Model,
            Silo = started.Silo,
            ContextLength = started.ContextLength,
            MaxTokens = started.MaxTokens,
            PromptTokens = started.PromptTokens,
        },
        PrefillStarted prefill => new("prefill") { CachedTokens = prefill.CachedTokens },
        TextDelta delta => new("text") { Text = delta.Text },
        ReasoningDelta delta => new("reasoning") { Text = delta.Text },
        AnswerFinished finished => new("finished")
        {
            Reason = finished.Reason,
            PromptTokens = finished.PromptTokens,
            CompletionTokens = finished.CompletionTokens,
            CachedTokens = finished.CachedTokens,
        },
        KeepAlive { Ahead: { } ahead } => new("queued") { Ahead = ahead },
        KeepAlive => null,
        _ => throw new InvalidOperationException($"{happened.GetType().Name} has no form here; add it to TurnEvent."),
    };
}
