using System.Runtime.CompilerServices;

namespace SmolCluster.Engine.Quantization;

/// <summary>The definition of the arithmetic, and the oracle of the vectors.</summary>
internal readonly unsafe struct ScalarTileDot : ITileDot
{
    public static bool Vectors => false;

    public static void Add<T>(Tile256* tile, in Q8KBlocks block, float* accumulators)
        where T : unmanaged, IBlock256<T>
    {
        for (var t = 0; t < block.Tokens; t++)
        {
            int sum = 0, minimum = 0;
            for (var s = 0; s < 16; s++)
            {
                sum += tile->Scales[8 * s] * Sum(tile->Quants + (16 * s), block.Quants(t) + (16 * s), 16, T.Signed);
                minimum += tile->Minimums[s] * block.Sums(t)[s];
            }

            if (T.Correction == Correction.Offset)
                sum -= minimum;
            accumulators[t] = Finish(T.Correction, tile, sum, minimum, block.Scale(t), accumulators[t]);
        }
    }

    public static float Add<T>(Tile32* tile, sbyte* quants, float* scales, int* sums, int count, float accumulator)
        where T : unmanaged, IBlock32<T>
    {
        for (var b = 0; b < count; b++)
        {
            var sum = Sum(tile->Quants + (32 * b), quants + (32 * b), 32, T.Signed) - (T.Offset * sums[b]);
            accumulator = MathF.FusedMultiplyAdd(sum, tile->Scales[b] * scales[b], accumulator);
            if (T.Correction == Correction.Minimum)
                accumulator = MathF.FusedMultiplyAdd(sums[b], tile->Minimums[b] * scales[b], accumulator);
        }

        return accumulator;
    }

    public static void Add(float* weights, float* activations, int count, float* lanes)
    {
        for (var i = 0; i < count; i++)
            lanes[i & 15] = MathF.FusedMultiplyAdd(weights[i], activations[i], lanes[i & 15]);
    }

    /// <summary>The float end of a block of 256, shared by all instruction sets.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Finish(Correction correction, Tile256* tile, int sum, int minimum, float scale, float accumulator)
    {
        accumulator = MathF.FusedMultiplyAdd(sum, tile->Scale * scale, accumulator);
        return correction == Correction.Minimum
            ? MathF.FusedMultiplyAdd(minimum, -(tile->MinimumScale * scale), accumulator)
            : accumulator;
    }

    private static int Sum(byte* weights, sbyte* quants, int count, bool signed)
    {
        var sum = 0;
        for (var i = 0; i < count; i++)
            sum += (signed ? (sbyte)weights[i] : weights[i]) * quants[i];
        return sum;
    }
}
