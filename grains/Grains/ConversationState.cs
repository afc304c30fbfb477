using SmolCluster.Contracts;

namespace SmolCluster.Grains;

/// <summary>What is kept of a conversation: enough to generate the same answer again anywhere. The KV cache is not in it: it is
/// recomputed from the prompt and <see cref="Tokens"/> with the same bits. Nor are the events: they follow from the tokens.</summary>
[GenerateSerializer, Immutable, Alias("SmolCluster.ConversationState")]
public sealed record ConversationState
{
    /// <summary>Messages, settings with the seed, and the model's id. Null: nothing was asked yet.</summary>
    [Id(0)] public ChatRequest? Request { get; init; }

    /// <summary>Weights, tokenizer and kind of cache that answer.</summary>
    [Id(1)] public string Identity { get; init; } = "";

    /// <summary>Sampled so far, the ending token included.</summary>
    [Id(2)] public IReadOnlyList<int> Tokens { get; init; } = [];

    /// <summary>The most that the answer can have, as its first silo found it: another's context may be longer.</summary>
    [Id(3)] public int MaxTokens { get; init; }

    /// <summary>Null: the prompt's turn has not come yet.</summary>
    [Id(4)] public int? CachedTokens { get; init; }

    /// <summary>What the tokens show.</summary>
    [Id(5)] public string Text { get; init; } = "";

    /// <summary>stop, length or tool_calls; null while there is more to come.</summary>
    [Id(6)] public string? FinishReason { get; init; }

    /// <summary>Counts those who wrote answers here, one after the other.</summary>
    [Id(7)] public long Epoch { get; init; }

    /// <summary>Who writes in this epoch; who finds another name here has lost its turn for good.</summary>
    [Id(8)] public Guid Writer { get; init; }

    /// <summary>What the tokens show before <see cref="Text"/>.</summary>
    [Id(9)] public string Reasoning { get; init; } = "";

    /// <summary>What they show after it.</summary>
    [Id(10)] public IReadOnlyList<ToolCall> ToolCalls { get; init; } = [];
}
