using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>IEEE half precision.</summary>
internal readonly unsafe struct F16 : IFloatFormat
{
    public static int Bytes => sizeof(ushort);

    /// <summary>Sign, exponent and fraction are put where a single has them, and a multiplication by 2^112 moves the exponent's bias:
    /// exact for subnormals too. What is no number comes out as one, so a tile that holds such weights is read once more. With AVX-512 as
    /// <see cref="LoadWide"/>.</summary>
    public static float* Unpack(byte* source, int count, float* tile)
    {
        var halves = (ushort*)source;
        var largest = Vector256<ushort>.Zero;
        int i = 0;
        for (; Avx512F.IsSupported && i <= count - 16; i += 16)
        {
            LoadWide(source + (i * Bytes)).Store(tile + i);
        }

        for (; i <= count - 16; i += 16)
        {
            Vector256<ushort> sixteen = Vector256.Load(halves + i);
            largest = Vector256.Max(largest, sixteen & Vector256.Create((ushort)0x7FFF));
            (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(sixteen);
            ToSingle(low).Store(tile + i);
            ToSingle(high).Store(tile + i + 8);
        }

        if (Vector256.GreaterThanOrEqualAny(largest, Vector256.Create((ushort)0x7C00)))
        {
            i = 0;
        }

        for (; i < count; i++)
        {
            tile[i] = HalfBits.ToSingle(halves[i]);
        }

        return tile;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* source, out Vector256<float> low, out Vector256<float> high, ref Vector256<ushort> unusual)
    {
        Vector256<ushort> sixteen = Vector256.Load((ushort*)source);
        Vector256<ushort> exponents = sixteen & Vector256.Create((ushort)0x7C00);
        unusual |= Vector256.Equals(exponents, Vector256.Create((ushort)0x7C00));
        (Vector256<uint> first, Vector256<uint> last) = Vector256.Widen(sixteen);
        low = ToSingle(first);
        high = ToSingle(last);
    }

    /// <summary>Unlike <see cref="Load"/> without a subnormal factor, with which an Intel processor multiplies by microcode.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadWide(byte* source) => HalfBits.ToSingle(Vector256.Load((ushort*)source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> ToSingle(Vector256<uint> halves) =>
        (((halves << 16).AsInt32() >> 3) & Vector256.Create(unchecked((int)0x8FFFE000))).AsSingle() * Vector256.Create(5.192296858534828e33f);
}
