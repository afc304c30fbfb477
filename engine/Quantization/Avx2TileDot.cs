using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>256-bit vectors. The multiply-add of unsigned by signed bytes cannot saturate: unsigned quants are at most 63, and
/// signed ones are used as magnitude times signed activation, 2 * 128 * 127 at most. Sums of several blocks are folded together.</summary>
internal readonly unsafe struct Avx2TileDot : ITileDot, IBlockSum
{
    public static bool Vectors => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add<T>(Tile256* tile, in Q8KBlocks block, float* accumulators)
        where T : unmanaged, IBlock256<T> => BlockFold<Avx2TileDot>.Add<T>(tile, in block, accumulators);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Sum<T>(Tile256* tile, sbyte* quants)
        where T : unmanaged, IBlock256<T>
    {
        var even = Vector256<int>.Zero;
        var odd = Vector256<int>.Zero;
        for (var i = 0; i < 256; i += 64)
        {
            var first = Pairs(tile->Quants + i, quants + i, T.Signed);
            var second = Pairs(tile->Quants + i + 32, quants + i + 32, T.Signed);
            even += Avx2.MultiplyAddAdjacent(first, Vector256.Load(tile->Scales + (i / 2)));
            odd += Avx2.MultiplyAddAdjacent(second, Vector256.Load(tile->Scales + (i / 2) + 16));
        }

        return even + odd;
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Add<T>(Tile32* tile, sbyte* quants, float* scales, int* sums, int count, float accumulator)
        where T : unmanaged, IBlock32<T>
    {
        var a = FourBlocks(tile->Quants, quants, T.Signed);
        var b = FourBlocks(tile->Quants + 128, quants + 128, T.Signed);
        var totals = Avx2.Permute2x128(a, b, 0x20) + Avx2.Permute2x128(a, b, 0x31);
        var activationSums = Vector256.Load(sums);
        if (T.Correction == Correction.Offset)
            totals -= activationSums * Vector256.Create(T.Offset);
        var activationScales = Vector256.Load(scales);
        var terms = stackalloc float[32];
        Vector256.ConvertToSingle(totals).Store(terms);
        (Vector256.Load(tile->Scales) * activationScales).Store(terms + 8);
        if (T.Correction == Correction.Minimum)
        {
            Vector256.ConvertToSingle(activationSums).Store(terms + 16);
            (Vector256.Load(tile->Minimums) * activationScales).Store(terms + 24);
        }

        for (var i = 0; i < count; i++)
        {
            accumulator = MathF.FusedMultiplyAdd(terms[i], terms[i + 8], accumulator);
            if (T.Correction == Correction.Minimum)
                accumulator = MathF.FusedMultiplyAdd(terms[i + 16], terms[i + 24], accumulator);
        }

        return accumulator;
    }

    public static void Add(float* weights, float* activations, int count, float* lanes)
    {
        var low = Vector256.Load(lanes);
        var high = Vector256.Load(lanes + 8);
        var i = 0;
        for (; i <= count - 16; i += 16)
        {
            low = Fma.MultiplyAdd(Vector256.Load(weights + i), Vector256.Load(activations + i), low);
            high = Fma.MultiplyAdd(Vector256.Load(weights + i + 8), Vector256.Load(activations + i + 8), high);
        }

        low.Store(lanes);
        high.Store(lanes + 8);
        ScalarTileDot.Add(weights + i, activations + i, count - i, lanes);
    }

    /// <summary>Sixteen sums of two products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Pairs(byte* weights, sbyte* quants, bool signed)
    {
        var w = Vector256.Load(weights);
        var q = Vector256.Load(quants);
        return signed
            ? Avx2.MultiplyAddAdjacent(Avx2.Abs(w.AsSByte()), Avx2.Sign(q, w.AsSByte()))
            : Avx2.MultiplyAddAdjacent(w, q);
    }

    /// <summary>Two partial sums (one a half of the vector) for each of four blocks of 32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> FourBlocks(byte* weights, sbyte* quants, bool signed)
    {
        var ones = Vector256.Create((short)1);
        var a = Avx2.MultiplyAddAdjacent(Pairs(weights, quants, signed), ones);
        var b = Avx2.MultiplyAddAdjacent(Pairs(weights + 32, quants + 32, signed), ones);
        var c = Avx2.MultiplyAddAdjacent(Pairs(weights + 64, quants + 64, signed), ones);
        var d = Avx2.MultiplyAddAdjacent(Pairs(weights + 96, quants + 96, signed), ones);
        return Avx2.HorizontalAdd(Avx2.HorizontalAdd(a, b), Avx2.HorizontalAdd(c, d));
    }
}
