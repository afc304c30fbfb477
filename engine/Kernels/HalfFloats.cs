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
    /// <summary>Sixteen F16 from memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector512<float> Load(ushort* source)
    {
        (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.Load(source));
        Vector512<uint> h = Vector512.Create(low, high);
        Vector512<uint> sign = (h & Vector512.Create(0x8000u)) << 16;
        Vector512<uint> rest = (h & Vector512.Create(0x7FFFu)) << 13;
        // the exponent moves from bias 15 to 127 by a multiplication with 2^112, which is exact, subnormals included
        Vector512<uint> magnitude = (rest.AsSingle() * Vector512.Create(5.192296858534828e33f)).AsUInt32();
        Vector512<uint> noNumber = Vector512.GreaterThan(rest, Vector512.Create(0x7C00u << 13)) & Vector512.Create(0x7FC00000u);
        return (magnitude | noNumber | sign).AsSingle();
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
