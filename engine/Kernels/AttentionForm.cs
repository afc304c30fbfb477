namespace SmolCluster.Engine.Kernels;

/// <summary>What is particular to a layer's attention.</summary>
/// <param name="Scale">Multiplies every score.</param>
/// <param name="Window">A token at position p sees those from p - Window + 1 to p; <see cref="Everything"/>: all up to p.</param>
/// <param name="Cap">A score s becomes Cap · tanh(s / Cap); 0: it stays as it is.</param>
internal readonly record struct AttentionForm(float Scale, int Window, float Cap)
{
    /// <summary>A window that no position falls out of, and from which pages can be counted back without an overflow.</summary>
    public const int Everything = 1 << 30;

    /// <summary>Every position seen, scores divided by the root of the head's length.</summary>
    public static AttentionForm Plain(int headLength) => new(1 / MathF.Sqrt(headLength), Everything, 0);
}
