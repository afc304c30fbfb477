using System.Numerics.Tensors;

namespace SmolCluster.Engine.Sampling;

/// <summary>The sampler chain: bias and penalties, then temperature, top-k, top-p, min-p, then one draw. Holds scratch only,
/// no state between calls: the draw depends on the options, the tokens and the logits alone. Not thread-safe.
/// <para>Everything is defined on the candidates sorted by (logit descending, id ascending), but a vocabulary of 128k
/// is never sorted for the few that matter: <see cref="RankedTokens"/> hands them out from the top, as many as asked
/// for. Weights are e^((logit - largest) / temperature) in double. Top-p's total is the sum over all tokens in the order
/// of ids (with top-k: over the k, as sorted); top-p keeps the shortest prefix that reaches its share of that total; the
/// draw walks the kept prefix until it passes u times its sum.</para></summary>
public sealed class Sampler(int vocabularyLength)
{
    private const int WeightsAtOnce = 512;
    private const int All = int.MaxValue;

    // [vocabulary]; all zero between calls
    private readonly int[] _counts = new int[vocabularyLength];
    private readonly RankedTokens _ranked = new();

    public int VocabularyLength { get; } = vocabularyLength;

    /// <summary>The token at position <c>tokens.Length</c>.</summary>
    /// <param name="logits">[vocabulary]; overwritten. -∞ forbids a token.</param>
    /// <param name="tokens">Prompt and generated tokens so far.</param>
    /// <param name="promptLength">How many of <paramref name="tokens"/> are prompt.</param>
    /// <exception cref="ArgumentException">A length, an id or an option is out of range.</exception>
    /// <exception cref="InvalidOperationException">A logit is NaN or +∞, or every token is forbidden: no token would be an
    /// honest answer.</exception>
    public int Sample(Span<float> logits, ReadOnlySpan<int> tokens, int promptLength, SamplingOptions options)
    {
        Check(logits, tokens, promptLength, options);
        ApplyBias(logits, options);
        ApplyRepetition(logits, tokens, options);
        ApplyPresenceAndFrequency(logits, tokens[promptLength..], options);
        float largest = Largest(logits);
        return options.Temperature == 0
            ? logits.IndexOf(largest)
            : Draw(logits, largest, options, CounterRandom.NextDouble(options.Seed, (ulong)tokens.Length));
    }

    private void Check(Span<float> logits, ReadOnlySpan<int> tokens, int promptLength, SamplingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (logits.Length != VocabularyLength)
            throw new ArgumentException($"Got {logits.Length} logits for a vocabulary of {VocabularyLength}.", nameof(logits));
        if (promptLength < 0 || promptLength > tokens.Length)
            throw new ArgumentOutOfRangeException(nameof(promptLength), promptLength, $"The prompt must be 0 to {tokens.Length} of the tokens.");
    }

    private void ApplyBias(Span<float> logits, SamplingOptions options)
    {
        foreach ((int token, float bias) in options.LogitBias)
        {
            if (token >= VocabularyLength)
                throw new ArgumentOutOfRangeException(nameof(options), token, $"LogitBias names a token outside the vocabulary of {VocabularyLength}.");
            logits[token] = bias == -100 ? float.NegativeInfinity : logits[token] + bias;
        }
    }

    private void ApplyRepetition(Span<float> logits, ReadOnlySpan<int> tokens, SamplingOptions options)
    {
        if (options.RepetitionPenalty == 1) return;
        ReadOnlySpan<int> window = tokens[^Math.Min(options.PenaltyWindow, tokens.Length)..];
        Count(window);
        foreach (int token in window)
        {
            if (_counts[token] == 0) continue;
            _counts[token] = 0;
            float logit = logits[token];
            logits[token] = logit > 0 ? logit / options.RepetitionPenalty : logit * options.RepetitionPenalty;
        }
    }

    private void ApplyPresenceAndFrequency(Span<float> logits, ReadOnlySpan<int> generated, SamplingOptions options)
    {
        if (options.PresencePenalty == 0 && options.FrequencyPenalty == 0) return;
        Count(generated);
        foreach (int token in generated)
        {
            int count = _counts[token];
            if (count == 0) continue;
            _counts[token] = 0;
            float frequency = options.FrequencyPenalty * count;
            logits[token] = logits[token] - options.PresencePenalty - frequency;
        }
    }

    private void Count(ReadOnlySpan<int> tokens)
    {
        // ids are checked before the first is counted, so that a refused call leaves no counts behind
        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)VocabularyLength)
                throw new ArgumentOutOfRangeException(nameof(tokens), token, $"A token lies outside the vocabulary of {VocabularyLength}.");
        }
        foreach (int token in tokens) _counts[token]++;
    }

    private static float Largest(ReadOnlySpan<float> logits)
    {
        float largest = TensorPrimitives.Max(logits); // NaN if any is NaN
        if (float.IsFinite(largest)) return largest;
        if (float.IsNegativeInfinity(largest))
            throw new InvalidOperationException("Every token is forbidden: all logits are -∞ after bias and constraints.");
        int token = 0;
        while (!float.IsNaN(logits[token]) && !float.IsPositiveInfinity(logits[token])) token++;
        throw new InvalidOperationException(
            $"The logit of token {token} is {logits[token]}; the model's weights or activations overflowed, so no token can be drawn.");
    }

    private int Draw(ReadOnlySpan<float> logits, float largest, SamplingOptions options, double uniform)
    {
        _ranked.Start(logits, largest, options.Temperature);
        int kept = options.TopK > 0 ? _ranked.Require(options.TopK, logits) : All;
        if (options.TopP < 1)
            kept = _ranked.PrefixOfMass(options.TopP * Mass(kept, logits, largest, options.Temperature), kept, logits);
        if (options.MinP > 0)
            kept = _ranked.PrefixAbove(options.MinP, kept, logits);
        double target = uniform * Mass(kept, logits, largest, options.Temperature);
        return _ranked.Passing(target, kept, logits);
    }

    private double Mass(int kept, ReadOnlySpan<float> logits, float largest, float temperature) =>
        kept < All ? _ranked.Mass(kept) : TotalWeight(logits, largest, temperature);

    /// <summary>The sum of all tokens' weights, added in the order of ids.</summary>
    internal static double TotalWeight(ReadOnlySpan<float> logits, float largest, float temperature)
    {
        Span<double> weights = stackalloc double[WeightsAtOnce];
        double sum = 0;
        while (!logits.IsEmpty)
        {
            Span<double> some = weights[..Math.Min(WeightsAtOnce, logits.Length)];
            for (int i = 0; i < some.Length; i++) some[i] = ((double)logits[i] - largest) / temperature;
            SamplingMath.Exp(some);
            foreach (double weight in some) sum += weight;
            logits = logits[some.Length..];
        }
        return sum;
    }
}
