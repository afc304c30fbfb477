using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>A format that is a float for each weight.</summary>
internal unsafe interface IFloatFormat
{
    /// <summary>Bytes of a weight.</summary>
    static abstract int Bytes { get; }

    /// <summary>Exact floats of <paramref name="count"/> weights: in the tile, or where they lie if they are floats.</summary>
    static abstract float* Unpack(byte* source, int count, float* tile);

    /// <summary>Sixteen weights in registers; what is no number may come out as one, and is seen by <paramref name="unusual"/>.</summary>
    /// <param name="unusual">All bits set where a weight met is infinite or none; what was set stays.</param>
    static abstract void Load(byte* source, out Vector256<float> low, out Vector256<float> high, ref Vector256<ushort> unusual);

    /// <summary>Sixteen weights in one register, exactly, whatever they are.</summary>
    static abstract Vector512<float> LoadWide(byte* source);
}
