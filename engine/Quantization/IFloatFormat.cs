namespace SmolCluster.Engine.Quantization;

/// <summary>A format that is a float for each weight.</summary>
internal unsafe interface IFloatFormat
{
    /// <summary>Bytes of a weight.</summary>
    static abstract int Bytes { get; }

    /// <summary>Exact floats of <paramref name="count"/> weights: in <paramref name="tile"/>, or in place if they are floats already.</summary>
    static abstract float* Unpack(byte* source, int count, float* tile);
}
