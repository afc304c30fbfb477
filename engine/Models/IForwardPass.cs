namespace SmolCluster.Engine.Models;

/// <summary>Computes the steps of the batch loop: <see cref="Transformer"/> with all of the model, or
/// <see cref="Pipeline.PipelinedPass"/> with a part of it, and others with the rest. The bits are the same.</summary>
internal interface IForwardPass : IDisposable
{
    /// <summary>Tokens a step at most.</summary>
    int MaxTokens { get; }

    /// <summary>Runs one step and advances the sequences.</summary>
    /// <param name="slices">Each sequence at most once; together 1 to <see cref="MaxTokens"/> tokens.</param>
    /// <param name="logits">[rows asked for, in order][V]</param>
    void Forward(ReadOnlySpan<BatchSlice> slices, Span<float> logits);
}
