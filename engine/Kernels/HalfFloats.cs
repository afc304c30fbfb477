using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Kernels;

/// <summary>F16 to F32 and back, sixteen at a time, by integer operations and exact multiplications: .NET's own (float)Half
/// is a call per element. Rounds to nearest, ties to even. Values past 65,504 are stored as infinity's bits and read back
/// as 65,536: an overflow in the cache stays finite, but what is no
/// number stays none, so that damaged weights show in the logits.</summary>
internal static class HalfFloats
{
    private const int Magnitude = 0x7FFF << 13;
    private const int Rebias = 112 << 23;
    private const float SmallestNormal = 1f / (1 << 14);

    /// <summary>Eight F16 that are numbers, from their bits with the signs drawn out. Moved to where F32 has exponent and fraction and
    /// 112 added to the exponent, a half reads as v, and a subnormal one is 2v - 2^-14, the smaller of the two there and nowhere else:
    /// no factor is subnormal in F32, with which Intel processors multiply by microcode (values about 0.05 made attention three times as long).
    /// F16C is not to be had in .NET 10.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Widen(Vector256<int> halves)
    {
        Vector256<float> value = (((halves << 13) & Vector256.Create(Magnitude)) + Vector256.Create(Rebias)).AsSingle();
        value = Vector256.MinNative(Vector256.MultiplyAddEstimate(value, Vector256.Create(2f), Vector256.Create(-SmallestNormal)), value);
        return (value.AsInt32() | (halves & Vector256.Create(int.MinValue))).AsSingle();
    }

    /// <summary>Sixteen.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Widen(Vector512<int> halves)
    {
        Vector512<float> value = (((halves << 13) & Vector512.Create(Magnitude)) + Vector512.Create(Rebias)).AsSingle();
        value = Vector512.MinNative(Vector512.MultiplyAddEstimate(value, Vector512.Create(2f), Vector512.Create(-SmallestNormal)), value);
        return (value.AsInt32() | (halves & Vector512.Create(int.MinValue))).AsSingle();
    }

    /// <summary>Sixteen F16 from memory, numbers or not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector512<float> Load(ushort* source)
    {
        (Vector256<int> low, Vector256<int> high) = Vector256.Widen(Vector256.Load((short*)source));
        Vector512<int> halves = Vector512.Create(low, high);
        Vector512<int> noNumber = Vector512.GreaterThan(halves & Vector512.Create(0x7FFF), Vector512.Create(0x7C00)) & Vector512.Create(0x7FC00000);
        return (Widen(halves).AsInt32() | noNumber).AsSingle();
    }

    /// <summary>Sixteen F16 to memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Store(Vector512<float> value, ushort* destination)
    {
        Vector512<uint> bits = value.AsUInt32();
        Vector512<uint> sign = (bits & Vector512.Create(0x80000000u)) >> 16;
        Vector512<uint> magnitude = bits & Vector512.Create(0x7FFFFFFFu);
        // normals: rebias the exponent and round the 13 bits that go: half of the last kept bit, less one where it is even
        Vector512<uint> odd = (magnitude >> 13) & Vector512<uint>.One;
        Vector512<uint> normal = (magnitude + Vector512.Create(0xC8000FFFu) + odd) >> 13;
        // subnormals (below 2^-14): adding 0.5 lets the adder do the rounding at 2^-24
        Vector512<uint> subnormal = (magnitude.AsSingle() + Vector512.Create(0.5f)).AsUInt32() - Vector512.Create(0x3F000000u);
        Vector512<uint> half = Vector512.ConditionalSelect(
            Vector512.LessThan(magnitude, Vector512.Create(0x38800000u)), subnormal, normal);
        half = Vector512.ConditionalSelect(
            Vector512.GreaterThanOrEqual(magnitude, Vector512.Create(0x477FF000u)), Vector512.Create(0x7C00u), half);
        half = Vector512.ConditionalSelect(Vector512.GreaterThan(magnitude, Vector512.Create(0x7F800000u)), Vector512.Create(0x7E00u), half);
        Vector512<uint> result = half | sign;
        Vector256.Narrow(result.GetLower(), result.GetUpper()).Store(destination);
    }

    /// <summary>Whether any of these F16 is no number.</summary>
    public static bool HoldNoNumber(ReadOnlySpan<byte> halves)
    {
        foreach (ushort half in MemoryMarshal.Cast<byte, ushort>(halves))
        {
            if ((half & 0x7FFF) > 0x7C00)
            {
                return true;
            }
        }

        return false;
    }
}
