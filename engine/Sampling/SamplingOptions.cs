namespace SmolCluster.Engine.Sampling;

/// <summary>How the next token is drawn from logits. Immutable; the same options, tokens and logits give the same token.</summary>
public sealed record SamplingOptions
{
    /// <summary>0: the largest logit wins (ties: the lowest id). Range 0 to 2.</summary>
    public float Temperature { get; init; } = 0.6f;

    /// <summary>0: all tokens.</summary>
    public int TopK { get; init; }

    /// <summary>1: all tokens. Range above 0 to 1.</summary>
    public float TopP { get; init; } = 0.95f;

    /// <summary>Tokens less likely than this share of the likeliest are dropped. 0: none. Range 0 to 1.</summary>
    public float MinP { get; init; }

    /// <summary>Divides positive and multiplies negative logits of tokens seen in the last <see cref="PenaltyWindow"/>. 1: off.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Subtracted once from the logit of every token generated so far. Range -2 to 2.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Subtracted from a logit once for each time the token was generated so far. Range -2 to 2.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>How many of the last tokens, prompt included, the repetition penalty looks at.</summary>
    public int PenaltyWindow { get; init; } = 64;

    /// <summary>Added to logits by token id; -100 forbids, 100 forces in practice.</summary>
    public IReadOnlyDictionary<int, float> LogitBias { get; init; } = new Dictionary<int, float>();

    /// <summary>Key of the counter-based generator; with the token's position it determines the draw.</summary>
    public ulong Seed { get; init; }
}
