using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>Exact conversion of IEEE half floats. <c>(float)Half</c> is a call into software on this platform and the scales
/// of a model are mostly halves, many of them subnormal; therefore a conversion without branches on the value.
/// <para>Shifting the 15 magnitude bits left by 13 and adding 112 to the exponent is right for normal halves. A subnormal half
/// m * 2^-24 gets exponent 113 instead, which reads 2^-14 + m * 2^-24, and 2^-14 is subtracted again, exactly; the vectors multiply m as an
/// integer by 2^-24. Scales of blocks of 256 lie about the smallest normal half, where no branch could be predicted.</para></summary>
internal static class HalfBits
{
    private const int Rebias = 112 << 23;
    private const int SmallestNormal = 113 << 23; // 2^-14
    private const int Infinity = 31 << 23; // a half's infinity, shifted
    private const int FractionBits = 10;
    private const float Smallest = 1f / (1 << 24);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToSingle(ushort half)
    {
        var bits = (half & 0x7FFF) << 13;
        var subnormal = (bits - (1 << 23)) >> 31; // -1 or 0
        var value = BitConverter.Int32BitsToSingle(bits + Rebias - (subnormal << 23))
            - BitConverter.Int32BitsToSingle(subnormal & SmallestNormal);
        var result = bits >= Infinity ? bits | 0x7F800000 : BitConverter.SingleToInt32Bits(value);
        return BitConverter.Int32BitsToSingle(result | ((half & 0x8000) << 16));
    }

    /// <summary>The same, eight at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ToSingle(Vector128<ushort> halves)
    {
        Vector256<int> wide = Vector256.Create(Vector128.WidenLower(halves), Vector128.WidenUpper(halves)).AsInt32(), magnitude = wide & Vector256.Create(0x7FFF);
        Vector256<int> subnormal = (Vector256.ConvertToSingle(magnitude) * Vector256.Create(Smallest)).AsInt32();
        Vector256<int> value = Vector256.ConditionalSelect(
            Vector256.LessThan(magnitude, Vector256.Create(1 << FractionBits)), subnormal, (magnitude << 13) + Vector256.Create(Rebias));
        Vector256<int> infinite = Vector256.GreaterThan(magnitude, Vector256.Create((31 << FractionBits) - 1)) & Vector256.Create(0x7F800000);
        return (value | infinite | ((wide & Vector256.Create(0x8000)) << 16)).AsSingle();
    }

    /// <summary>Sixteen at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ToSingle(Vector256<ushort> halves)
    {
        Vector512<int> wide = WideMath.Widen(halves), magnitude = wide & Vector512.Create(0x7FFF);
        Vector512<int> subnormal = (Vector512.ConvertToSingle(magnitude) * Vector512.Create(Smallest)).AsInt32();
        Vector512<int> value = Vector512.ConditionalSelect(
            Vector512.LessThan(magnitude, Vector512.Create(1 << FractionBits)), subnormal, (magnitude << 13) + Vector512.Create(Rebias));
        Vector512<int> infinite = Vector512.GreaterThan(magnitude, Vector512.Create((31 << FractionBits) - 1)) & Vector512.Create(0x7F800000);
        return (value | infinite | ((wide & Vector512.Create(0x8000)) << 16)).AsSingle();
    }
}
