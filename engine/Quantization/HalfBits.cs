using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>Exact conversion of IEEE half floats. <c>(float)Half</c> is a call into software on this platform and the scales
/// of a model are mostly halves, many of them subnormal; therefore a conversion without branches on the value.
/// <para>Shifting the 15 magnitude bits left by 13 and adding 112 to the exponent is right for normal halves. A subnormal half
/// m * 2^-24 gets exponent 113 instead, which reads 2^-14 + m * 2^-24, and 2^-14 is subtracted again, exactly.</para></summary>
internal static class HalfBits
{
    private const int Rebias = 112 << 23;
    private const int SmallestNormal = 113 << 23; // 2^-14
    private const int Infinity = 31 << 23; // a half's infinity, shifted

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
        // the shift right drags the sign along; the mask keeps its topmost copy
        var wide = Vector256.Create(Vector128.WidenLower(halves), Vector128.WidenUpper(halves)).AsInt32() << 16;
        var bits = (wide >> 3) & Vector256.Create(unchecked((int)0x8FFFFFFF));
        var fraction = (bits & Vector256.Create(0x7FFFFFFF)) - Vector256.Create(1 << 23);
        var unusual = Vector256.GreaterThan(fraction.AsUInt32(), Vector256.Create(Infinity - (1 << 23) - 1).AsUInt32());
        return unusual == Vector256<uint>.Zero
            ? (bits + Vector256.Create(Rebias)).AsSingle()
            : WithUnusual(bits);
    }

    /// <summary>Sixteen at a time. Scales of blocks of 256 lie about the smallest normal half, where no branch could be predicted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ToSingle(Vector256<ushort> halves)
    {
        Vector512<int> wide = WideMath.Widen(halves), magnitude = wide & Vector512.Create(0x7FFF);
        Vector512<int> subnormal = (Vector512.ConvertToSingle(magnitude) * Vector512.Create(1f / (1 << 24))).AsInt32();
        Vector512<int> value = Vector512.ConditionalSelect(
            Vector512.LessThan(magnitude, Vector512.Create(1 << 10)), subnormal, (magnitude << 13) + Vector512.Create(Rebias));
        Vector512<int> infinite = Vector512.GreaterThan(magnitude, Vector512.Create((31 << 10) - 1)) & Vector512.Create(0x7F800000);
        return (value | infinite | ((wide & Vector512.Create(0x8000)) << 16)).AsSingle();
    }

    /// <summary>Eight of which some are zero, subnormal, infinite or NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> WithUnusual(Vector256<int> signed)
    {
        var bits = signed & Vector256.Create(0x7FFFFFFF);
        var subnormal = (bits - Vector256.Create(1 << 23)) >> 31;
        var value = (bits + Vector256.Create(Rebias) - (subnormal << 23)).AsSingle()
            - (subnormal & Vector256.Create(SmallestNormal)).AsSingle();
        var infinite = Vector256.GreaterThan(bits, Vector256.Create(Infinity - 1));
        return (value.AsInt32() | (infinite & Vector256.Create(0x7F800000)) | (signed & Vector256.Create(int.MinValue))).AsSingle();
    }
}
