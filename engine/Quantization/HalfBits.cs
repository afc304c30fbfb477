using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>Exact conversion of IEEE half floats. <c>(float)Half</c> is a call into software on this platform and the scales
/// of a model are mostly halves, many of them subnormal; therefore a conversion without branches on the value.
/// <para>Shifting the 15 magnitude bits left by 13 and adding 112 to the exponent is right for normal halves. A subnormal half
/// m * 2^-24 gets exponent 113 instead, which reads 2^-14 + m * 2^-24, and 2^-14 is subtracted again, exactly. Vectors add 224, which
/// makes infinities and what is no number of the largest exponent, and multiply by 2^-112; of that value v a subnormal half is
/// 2v - 2^-14, which is the smaller of the two there and nowhere else. Scales of blocks of 256 lie about the smallest normal half, where
/// no branch could be predicted, and a product with a subnormal factor is done by microcode on Intel processors.</para></summary>
internal static class HalfBits
{
    private const int Rebias = 112 << 23;
    private const int SmallestNormalBits = 113 << 23;
    private const int Infinity = 31 << 23; // a half's infinity, shifted
    private const int Magnitude = 0x7FFF << 13; // of a half, shifted
    private const int Largest = 224 << 23; // what a vector adds to the exponent, so that a half's largest is a single's
    private const float Scale = 1.92592994438723585e-34f; // 2^-112, which takes that back
    private const float SmallestNormal = 1f / (1 << 14);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToSingle(ushort half)
    {
        var bits = (half & 0x7FFF) << 13;
        var subnormal = (bits - (1 << 23)) >> 31; // -1 or 0
        var value = BitConverter.Int32BitsToSingle(bits + Rebias - (subnormal << 23))
            - BitConverter.Int32BitsToSingle(subnormal & SmallestNormalBits);
        var result = bits >= Infinity ? bits | 0x7F800000 : BitConverter.SingleToInt32Bits(value);
        return BitConverter.Int32BitsToSingle(result | ((half & 0x8000) << 16));
    }

    /// <summary>The same, eight at a time. However the estimate is rounded, which is the smaller is the same, and a subnormal half's is exact.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ToSingle(Vector128<ushort> halves)
    {
        Vector256<int> wide = Vector256.Create(Vector128.WidenLower(halves.AsInt16()), Vector128.WidenUpper(halves.AsInt16()));
        Vector256<float> large = (((wide << 13) & Vector256.Create(Magnitude)) | Vector256.Create(Largest)).AsSingle();
        Vector256<float> value = Vector256.MinNative(
            Vector256.MultiplyAddEstimate(large, Vector256.Create(2 * Scale), Vector256.Create(-SmallestNormal)), large * Vector256.Create(Scale));
        return (value.AsInt32() | (wide & Vector256.Create(int.MinValue))).AsSingle();
    }

    /// <summary>Sixteen at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ToSingle(Vector256<ushort> halves)
    {
        Vector512<int> wide = WideMath.Widen(halves.AsInt16());
        Vector512<float> large = (((wide << 13) & Vector512.Create(Magnitude)) | Vector512.Create(Largest)).AsSingle();
        Vector512<float> value = Vector512.MinNative(
            Vector512.MultiplyAddEstimate(large, Vector512.Create(2 * Scale), Vector512.Create(-SmallestNormal)), large * Vector512.Create(Scale));
        return (value.AsInt32() | (wide & Vector512.Create(int.MinValue))).AsSingle();
    }
}
