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

    /// <summary>Divides positive and multiplies negative logits of tokens seen in the last <see cref="PenaltyWindow"/>. 1: off.
    /// Range 0.1 to 2.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Subtracted once from the logit of every token generated so far. Range -2 to 2.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Subtracted from a logit once for each time the token was generated so far. Range -2 to 2.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>How many of the last tokens, prompt included, the repetition penalty looks at. 0: none.</summary>
    public int PenaltyWindow { get; init; } = 64;

    /// <summary>Added to logits by token id, -100 to 100; -100 forbids the token altogether, 100 forces it in practice.</summary>
    public IReadOnlyDictionary<int, float> LogitBias { get; init; } = new Dictionary<int, float>();

    /// <summary>Key of the counter-based generator; with the token's position it determines the draw.</summary>
    public ulong Seed { get; init; }

    /// <summary>Refuses what the ranges above do not allow; NaN is in no range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Names the field, its range and the value.</exception>
    public void Validate()
    {
        Require(Temperature is >= 0 and <= 2, nameof(Temperature), Temperature, "from 0 to 2");
        Require(TopK >= 0, nameof(TopK), TopK, "0 (all tokens) or more");
        Require(TopP is > 0 and <= 1, nameof(TopP), TopP, "above 0, up to 1");
        Require(MinP is >= 0 and <= 1, nameof(MinP), MinP, "from 0 to 1");
        Require(RepetitionPenalty is >= 0.1f and <= 2, nameof(RepetitionPenalty), RepetitionPenalty, "from 0.1 to 2");
        Require(PresencePenalty is >= -2 and <= 2, nameof(PresencePenalty), PresencePenalty, "from -2 to 2");
        Require(FrequencyPenalty is >= -2 and <= 2, nameof(FrequencyPenalty), FrequencyPenalty, "from -2 to 2");
        Require(PenaltyWindow >= 0, nameof(PenaltyWindow), PenaltyWindow, "0 or more tokens");
        Require(LogitBias is not null, nameof(LogitBias), null, "a map of token ids to biases, not null");
        foreach ((int token, float bias) in LogitBias!)
        {
            Require(token >= 0, nameof(LogitBias), token, "a map whose keys are token ids, 0 or more");
            Require(bias is >= -100 and <= 100, nameof(LogitBias), bias, $"from -100 to 100 for token {token}");
        }
    }

    private static void Require(bool holds, string field, object? value, string range)
    {
        if (!holds) throw new ArgumentOutOfRangeException(field, value, $"{field} must be {range}.");
    }
}
