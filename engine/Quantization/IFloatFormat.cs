namespace SmolCluster.Engine.Quantization;

/// <summary>A format that is a float for each weight.</summary>
internal unsafe interface IFloatFormat
{
    /// <summary>Bytes of a weight.</summary>
    static abstract int Bytes { get; }

    /// <summary>Exact floats of <paramref name="count"/> weights: in the tile, or where they lie if they are floats.</summary>
    static abstract float* Unpack(byte* source, int count, float* tile);
}
