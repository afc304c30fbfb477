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

    /// <summary>32 signed bytes to 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Widen(Vector256<sbyte> a) => Avx512BW.IsSupported
        ? Avx512BW.ConvertToVector512Int16(a)
        : Vector512.Create(Avx2.ConvertToVector256Int16(a.GetLower()), Avx2.ConvertToVector256Int16(a.GetUpper()));

    /// <summary>c - a · b, rounded once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAddNegated(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Avx512F.IsSupported
        ? Avx512F.FusedMultiplyAddNegated(a, b, c)
        : Vector512.Create(Fma.MultiplyAddNegated(a.GetLower(), b.GetLower(), c.GetLower()), Fma.MultiplyAddNegated(a.GetUpper(), b.GetUpper(), c.GetUpper()));
}
