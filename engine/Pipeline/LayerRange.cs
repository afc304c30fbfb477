using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Pipeline;

/// <summary>Consecutive layers of a model, which one node has.</summary>
/// <param name="First">0-based.</param>
/// <param name="Count">At least one.</param>
public readonly record struct LayerRange(int First, int Count)
{
    public static LayerRange Whole(ModelConfig config) => new(0, config.BlockCount);

    /// <summary>Behind the last one.</summary>
    public int End => First + Count;

    /// <summary>Embedding and head are where the first layers are: there tokens come in, logits are wanted, and a hidden state of some
    /// kilobytes comes back where a row of logits would be half a megabyte. Most models have one matrix for both.</summary>
    public bool HasEnds => First == 0;

    public override string ToString() => Count == 1 ? $"layer {First}" : $"layers {First} to {End - 1}";
}
