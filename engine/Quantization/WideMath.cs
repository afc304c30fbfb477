using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>The 512-bit operations that have no portable name. Where AVX-512 is missing they are two of AVX2: tests run the bodies made
/// of them on every machine, and only these few lines differ.</summary>
internal static class WideMath
{
    /// <summary>Sums of two products each, unsigned times signed bytes, saturated to 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> MultiplyAddAdjacent(Vector512<byte> a, Vector512<sbyte> b) => Avx512BW.IsSupported
        ? Avx512BW.MultiplyAddAdjacent(a, b)
        : Vector512.Create(Avx2.MultiplyAddAdjacent(a.GetLower(), b.GetLower()), Avx2.MultiplyAddAdjacent(a.GetUpper(), b.GetUpper()));

    /// <summary>Sums of two products each, 16 bits to 32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> MultiplyAddAdjacent(Vector512<short> a, Vector512<short> b) => Avx512BW.IsSupported
        ? Avx512BW.MultiplyAddAdjacent(a, b)
        : Vector512.Create(Avx2.MultiplyAddAdjacent(a.GetLower(), b.GetLower()), Avx2.MultiplyAddAdjacent(a.GetUpper(), b.GetUpper()));

    /// <summary>Sums of neighbours, of a and then of b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> AddAdjacent(Vector512<int> a, Vector512<int> b)
    {
        if (!Avx512F.IsSupported)
        {
            return Vector512.Create(AddAdjacent(a.GetLower(), a.GetUpper()), AddAdjacent(b.GetLower(), b.GetUpper()));
        }

        var even = Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        return Avx512F.PermuteVar16x32x2(a, even, b) + Avx512F.PermuteVar16x32x2(a, even + Vector512<int>.One, b);
    }

    // the instruction adds within lanes of 128 bits
    private static Vector256<int> AddAdjacent(Vector256<int> a, Vector256<int> b) =>
        Avx2.Permute4x64(Avx2.HorizontalAdd(a, b).AsInt64(), 0b11_01_10_00).AsInt32();

    /// <summary>Pairs added to the pair beside them, first to first and last to last: of a and then of b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> AddAdjacentPairs(Vector512<short> a, Vector512<short> b)
    {
        if (!Avx512F.IsSupported)
        {
            return Vector512.Create(AddAdjacentPairs(a.GetLower(), a.GetUpper()), AddAdjacentPairs(b.GetLower(), b.GetUpper()));
        }

        var even = Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        return Avx512F.PermuteVar16x32x2(a.AsInt32(), even, b.AsInt32()).AsInt16()
            + Avx512F.PermuteVar16x32x2(a.AsInt32(), even + Vector512<int>.One, b.AsInt32()).AsInt16();
    }

    private static Vector256<short> AddAdjacentPairs(Vector256<short> a, Vector256<short> b)
    {
        // within lanes of 128 bits, like all that AVX2 shuffles
        Vector256<float> even = Avx.Shuffle(a.AsSingle(), b.AsSingle(), 0b10_00_10_00), odd = Avx.Shuffle(a.AsSingle(), b.AsSingle(), 0b11_01_11_01);
        return Avx2.Permute4x64((even.AsInt16() + odd.AsInt16()).AsInt64(), 0b11_01_10_00).AsInt16();
    }

    /// <summary>32 signed bytes to 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Widen(Vector256<sbyte> a) => Avx512BW.IsSupported
        ? Avx512BW.ConvertToVector512Int16(a)
        : Vector512.Create(Avx2.ConvertToVector256Int16(a.GetLower()), Avx2.ConvertToVector256Int16(a.GetUpper()));

    /// <summary>16 signed numbers of 16 bits to 32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Widen(Vector256<short> a) => Avx512F.IsSupported
        ? Avx512F.ConvertToVector512Int32(a)
        : Vector512.Create(Avx2.ConvertToVector256Int32(a.GetLower()), Avx2.ConvertToVector256Int32(a.GetUpper()));

    /// <summary>c - a · b, rounded once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAddNegated(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Avx512F.IsSupported
        ? Avx512F.FusedMultiplyAddNegated(a, b, c)
        : Vector512.Create(Fma.MultiplyAddNegated(a.GetLower(), b.GetLower(), c.GetLower()), Fma.MultiplyAddNegated(a.GetUpper(), b.GetUpper(), c.GetUpper()));
}
