namespace SmolCluster.Engine.Quantization;

/// <summary>How a row of activations is laid out for <see cref="RowDot"/>; see <see cref="Activations"/>.</summary>
public enum ActivationFormat
{
    /// <summary>Plain floats, for weights that are floats.</summary>
    F32,

    /// <summary>8-bit integers with a scale for each 32, for formats with blocks of 32 weights.</summary>
    Q8,

    /// <summary>8-bit integers with a scale for each 256 and a sum for each 16, for formats with blocks of 256 weights.</summary>
    Q8K,
}
