namespace SmolCluster.Engine.Sampling;

/// <summary>The sampler chain: bias and penalties, then temperature, top-k, top-p, min-p, then one draw. Holds scratch only,
/// no state between calls: the draw depends on the options, the tokens and the logits alone.</summary>
public sealed class Sampler(int vocabularyLength)
{
    public int VocabularyLength { get; } = vocabularyLength;

    /// <summary>The token at position <c>tokens.Length</c>.</summary>
    /// <param name="logits">[vocabulary]; overwritten.</param>
    /// <param name="tokens">Prompt and generated tokens so far.</param>
    /// <param name="promptLength">How many of <paramref name="tokens"/> are prompt.</param>
    public int Sample(Span<float> logits, ReadOnlySpan<int> tokens, int promptLength, SamplingOptions options) => throw new NotImplementedException();
}
