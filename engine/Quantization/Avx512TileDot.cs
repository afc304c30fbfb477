using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>512-bit vectors where they shorten the work; folding and blocks of 32 are <see cref="Avx2TileDot"/>'s.</summary>
internal readonly unsafe struct Avx512TileDot : ITileDot, IBlockSum
{
    public static bool Vectors => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add<T>(Tile256* tile, in Q8KBlocks block, float* accumulators)
        where T : unmanaged, IBlock256<T> => BlockFold<Avx512TileDot>.Add<T>(tile, in block, accumulators);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Sum<T>(Tile256* tile, sbyte* quants)
        where T : unmanaged, IBlock256<T>
    {
        var even = Scaled(tile, 0, quants, T.Signed) + Scaled(tile, 128, quants, T.Signed);
        var odd = Scaled(tile, 64, quants, T.Signed) + Scaled(tile, 192, quants, T.Signed);
        var sum = even + odd;
        return sum.GetLower() + sum.GetUpper();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Add<T>(Tile32* tile, sbyte* quants, float* scales, int* sums, int count, float accumulator)
        where T : unmanaged, IBlock32<T> => Avx2TileDot.Add<T>(tile, quants, scales, sums, count, accumulator);

    public static void Add(float* weights, float* activations, int count, float* lanes)
    {
        var sum = Vector512.Load(lanes);
        var i = 0;
        for (; i <= count - 16; i += 16)
            sum = Avx512F.FusedMultiplyAdd(Vector512.Load(weights + i), Vector512.Load(activations + i), sum);
        sum.Store(lanes);
        ScalarTileDot.Add(weights + i, activations + i, count - i, lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Scaled(Tile256* tile, int i, sbyte* quants, bool signed)
    {
        var w = Vector512.Load(tile->Quants + i);
        var q = Vector512.Load(quants + i);
        if (signed)
        {
            q = Vector512.ConditionalSelect(Vector512.LessThan(w.AsSByte(), Vector512<sbyte>.Zero), -q, q);
            w = Avx512BW.Abs(w.AsSByte());
        }

        return Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(w, q), Vector512.Load(tile->Scales + (i / 2)));
    }
}
