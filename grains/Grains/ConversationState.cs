using SmolCluster.Contracts;

namespace SmolCluster.Grains;

/// <summary>What is kept of a conversation: enough to generate the same answer again anywhere. The KV cache is not in it: it is
/// recomputed from the prompt and <see cref="Tokens"/> with the same bits.</summary>
[GenerateSerializer, Alias("SmolCluster.ConversationState")]
public sealed class ConversationState
{
    /// <summary>Messages, settings with the seed, and the model's id. Null: nothing was asked yet.</summary>
    [Id(0)] public ChatRequest? Request { get; set; }

    /// <summary>Weights and tokenizer that answer.</summary>
    [Id(1)] public string ContentHash { get; set; } = "";

    /// <summary>Sampled so far, the ending token included.</summary>
    [Id(2)] public List<int> Tokens { get; set; } = [];

    /// <summary>Emitted so far; numbers are consecutive from 1.</summary>
    [Id(3)] public List<GenerationEvent> Events { get; set; } = [];

    public bool Finished => Events is [.., AnswerFinished];

    public long NextNumber => Events.Count + 1;
}
