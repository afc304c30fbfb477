using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>Portable 128-bit vectors: ARM, and x64 without AVX2. Bytes are widened to 16 bits; the sum of two products still fits
/// (2 * 128 * 127), so that each 16 weights are widened once more and scaled once.</summary>
internal readonly unsafe struct Vector128TileDot : ITileDot
{
    public static bool Vectors => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add<T>(Tile256* tile, in Q8KBlocks block, float* accumulators)
        where T : unmanaged, IBlock256<T>
    {
        for (var t = 0; t < block.Tokens; t++)
        {
            var quants = block.Quants(t);
            var sums = block.Sums(t);
            var sum = Vector128<int>.Zero;
            for (var s = 0; s < 16; s++)
                sum += Products(tile->Quants + (16 * s), quants + (16 * s)) * Vector128.Create((int)tile->Scales[8 * s]);
            var minimum = 0;
            if (T.Correction != Correction.None)
                minimum = Vector128.Sum(Minimums(tile->Minimums, sums) + Minimums(tile->Minimums + 8, sums + 8));
            var total = Vector128.Sum(sum);
            if (T.Correction == Correction.Offset)
                total -= minimum;
            accumulators[t] = ScalarTileDot.Finish(T.Correction, tile, total, minimum, block.Scale(t), accumulators[t]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Add<T>(Tile32* tile, sbyte* quants, float* scales, int* sums, int count, float accumulator)
        where T : unmanaged, IBlock32<T>
    {
        for (var b = 0; b < count; b++)
        {
            byte* w = tile->Quants + (32 * b);
            sbyte* q = quants + (32 * b);
            var pair = Products(w, q) + Products(w + 16, q + 16);
            var sum = Vector128.Sum(pair) - (T.Offset * sums[b]);
            accumulator = MathF.FusedMultiplyAdd(sum, tile->Scales[b] * scales[b], accumulator);
            if (T.Correction == Correction.Minimum)
                accumulator = MathF.FusedMultiplyAdd(sums[b], tile->Minimums[b] * scales[b], accumulator);
        }

        return accumulator;
    }

    public static void Add(float* weights, float* activations, int count, float* lanes)
    {
        var a = Vector128.Load(lanes);
        var b = Vector128.Load(lanes + 4);
        var c = Vector128.Load(lanes + 8);
        var d = Vector128.Load(lanes + 12);
        var i = 0;
        for (; i <= count - 16; i += 16)
        {
            a = Vector128.FusedMultiplyAdd(Vector128.Load(weights + i), Vector128.Load(activations + i), a);
            b = Vector128.FusedMultiplyAdd(Vector128.Load(weights + i + 4), Vector128.Load(activations + i + 4), b);
            c = Vector128.FusedMultiplyAdd(Vector128.Load(weights + i + 8), Vector128.Load(activations + i + 8), c);
            d = Vector128.FusedMultiplyAdd(Vector128.Load(weights + i + 12), Vector128.Load(activations + i + 12), d);
        }

        a.Store(lanes);
        b.Store(lanes + 4);
        c.Store(lanes + 8);
        d.Store(lanes + 12);
        ScalarTileDot.Add(weights + i, activations + i, count - i, lanes);
    }

    /// <summary>Four sums of four products. Unsigned quants are below 128 and read as signed bytes too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Products(byte* weights, sbyte* quants)
    {
        var (w0, w1) = Vector128.Widen(Vector128.Load((sbyte*)weights));
        var (q0, q1) = Vector128.Widen(Vector128.Load(quants));
        var (low, high) = Vector128.Widen((w0 * q0) + (w1 * q1));
        return low + high;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Minimums(short* minimums, short* sums)
    {
        var (m0, m1) = Vector128.Widen(Vector128.Load(minimums));
        var (s0, s1) = Vector128.Widen(Vector128.Load(sums));
        return (m0 * s0) + (m1 * s1);
    }
}
