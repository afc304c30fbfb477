using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>Integer products of a block of 256, in eight partial sums.</summary>
internal unsafe interface IBlockSum
{
    static abstract Vector256<int> Sum<T>(Tile256* tile, sbyte* quants)
        where T : unmanaged, IBlock256<T>;
}

/// <summary>From partial sums to accumulators, for AVX2 and AVX-512. Four tokens are folded into the lanes of one vector, which
/// takes a third of the instructions of four folds; lane by lane the operations are those of one token.</summary>
internal static unsafe class BlockFold<TSum>
    where TSum : struct, IBlockSum
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add<T>(Tile256* tile, in Q8KBlocks block, float* accumulators)
        where T : unmanaged, IBlock256<T>
    {
        var t = 0;
        for (; t <= block.Tokens - 4; t += 4)
            AddFour<T>(tile, in block, t, accumulators + t);
        for (; t < block.Tokens; t++)
            accumulators[t] = AddOne<T>(tile, in block, t, accumulators[t]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float AddOne<T>(Tile256* tile, in Q8KBlocks block, int token, float accumulator)
        where T : unmanaged, IBlock256<T>
    {
        var sum = TSum.Sum<T>(tile, block.Quants(token));
        var minimum = Minimum<T>(tile, block.Sums(token));
        if (T.Correction == Correction.Offset)
            sum -= minimum;
        var low = Ssse3.HorizontalAdd(sum.GetLower() + sum.GetUpper(), minimum.GetLower() + minimum.GetUpper());
        var totals = Ssse3.HorizontalAdd(low, low);
        return ScalarTileDot.Finish(T.Correction, tile, totals.ToScalar(), totals.GetElement(1), block.Scale(token), accumulator);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddFour<T>(Tile256* tile, in Q8KBlocks block, int t, float* accumulators)
        where T : unmanaged, IBlock256<T>
    {
        var a = TSum.Sum<T>(tile, block.Quants(t));
        var b = TSum.Sum<T>(tile, block.Quants(t + 1));
        var c = TSum.Sum<T>(tile, block.Quants(t + 2));
        var d = TSum.Sum<T>(tile, block.Quants(t + 3));
        var sums = Fold(a, b, c, d);
        var minimums = Vector128<int>.Zero;
        if (T.Correction != Correction.None)
        {
            minimums = Fold(
                Minimum<T>(tile, block.Sums(t)),
                Minimum<T>(tile, block.Sums(t + 1)),
                Minimum<T>(tile, block.Sums(t + 2)),
                Minimum<T>(tile, block.Sums(t + 3)));
        }

        if (T.Correction == Correction.Offset)
            sums -= minimums;
        var scales = Vector128.Create(block.Scale(t), block.Scale(t + 1), block.Scale(t + 2), block.Scale(t + 3));
        var result = Fma.MultiplyAdd(
            Vector128.ConvertToSingle(sums), Vector128.Create(tile->Scale) * scales, Vector128.Load(accumulators));
        if (T.Correction == Correction.Minimum)
        {
            result = Fma.MultiplyAddNegated(
                Vector128.ConvertToSingle(minimums), Vector128.Create(tile->MinimumScale) * scales, result);
        }

        result.Store(accumulators);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Minimum<T>(Tile256* tile, short* sums)
        where T : unmanaged, IBlock256<T> => T.Correction == Correction.None
            ? Vector256<int>.Zero
            : Avx2.MultiplyAddAdjacent(Vector256.Load(tile->Minimums), Vector256.Load(sums));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Fold(Vector256<int> a, Vector256<int> b, Vector256<int> c, Vector256<int> d)
    {
        var halves = Avx2.HorizontalAdd(Avx2.HorizontalAdd(a, b), Avx2.HorizontalAdd(c, d));
        return halves.GetLower() + halves.GetUpper();
    }
}
