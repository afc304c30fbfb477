using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Kernels;

/// <summary>
/// How one KV type keeps its numbers, read eight at a time into a register where attention uses them. What is kept is exact
/// in F32 in every type, so attention is one function of numbers and does not know how they were kept.
/// </summary>
internal unsafe interface IKvCells
{
    /// <summary>Whether blocks of <see cref="Caching.KvLayout.BlockLength"/> numbers have a scale that loaded ones are multiplied
    /// by, exactly.</summary>
    static abstract bool HasScales { get; }

    /// <summary>Eight cells from index <paramref name="cell"/> on.</summary>
    static abstract Vector256<float> Load(byte* cells, int cell);

    /// <summary>Sixteen, where there is AVX-512.</summary>
    static abstract Vector512<float> LoadWide(byte* cells, int cell);
}

internal readonly unsafe struct F32Cells : IKvCells
{
    public static bool HasScales => false;

    public static Vector256<float> Load(byte* cells, int cell) => Vector256.Load((float*)cells + cell);

    public static Vector512<float> LoadWide(byte* cells, int cell) => Vector512.Load((float*)cells + cell);
}
