using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Quantization;

/// <summary>Sixteen rows of a format with blocks of 256, side by side: a block is unpacked once and multiplied with every token.</summary>
internal static unsafe class GroupRows256<T, TDot>
    where T : unmanaged, IBlock256<T>
    where TDot : struct, IGroupDot
{
    private const int Rows = GroupLayout.Rows;

    /// <summary>Tokens whose sums live on the stack.</summary>
    private const int Batch = 128;

    /// <summary>Bytes of a group for each scale's columns.</summary>
    private static int AheadStep => Rows * sizeof(T) * T.QuadsAScale / 64;

    /// <summary>See <see cref="RowDot.RunGroup"/>.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(byte* rows, nint rowBytes, TokenRows activations, int columns, int tokens, float* destination, nint stride)
    {
        byte* storage = stackalloc byte[sizeof(GroupTile) + Rows * sizeof(T) + 128];
        var tile = (GroupTile*)(((nuint)storage + 63) & ~(nuint)63);
        byte* packed = (byte*)(tile + 1);
        float* sums = stackalloc float[Batch * Rows];
        int tokenBytes = Activations.RowBytes(ActivationFormat.Q8K, columns);
        for (int first = 0; first < tokens; first += Batch)
        {
            int count = Math.Min(Batch, tokens - first);
            TokenRows batch = activations.From(first, tokenBytes, ActivationFormat.Q8K);
            new Span<float>(sums, count * Rows).Clear();
            int blocks = columns / Activations.Q8KBlock;
            for (int block = 0; block < blocks; block++)
            {
                // the last block's sums go where they are wanted: lines far apart, which the next tokens' products give the time to fetch
                float* to = block < blocks - 1 ? sums : destination + first * stride;
                nint apart = block < blocks - 1 ? Rows : stride;
                byte* group = rows + (nint)block * Rows * sizeof(T);
                if (count == 1 && rowBytes == 0)
                {
                    MultiplyOne(tile, group, batch.Rows, columns, block, sums, to);
                    continue;
                }

                byte* ahead = rowBytes == 0 ? group + GroupLayout.PrefetchBlocks(count) * Rows * sizeof(T) : null;
                if (rowBytes != 0)
                {
                    group = packed;
                    T.Layout.Pack(rows + (nint)block * sizeof(T), rowBytes, group);
                }

                T.UnpackGroup(group, tile);
                Multiply(tile, batch, tokenBytes, columns, block, count, sums, to, apart, ahead);
            }
        }
    }

    /// <summary>See <see cref="RowDot.RunTwo"/>.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunTwo(byte* first, byte* second, byte* token, int columns, float* toFirst, float* toSecond)
    {
        byte* storage = stackalloc byte[sizeof(GroupTile) + 64];
        var tile = (GroupTile*)(((nuint)storage + 63) & ~(nuint)63);
        float* sums = stackalloc float[2 * Rows];
        new Span<float>(sums, 2 * Rows).Clear();
        int last = columns / Activations.Q8KBlock - 1;
        for (int block = 0; block <= last; block++, first += Rows * sizeof(T), second += Rows * sizeof(T))
        {
            MultiplyOne(tile, first, token, columns, block, sums, block < last ? sums : toFirst);
            MultiplyOne(tile, second, token, columns, block, sums + Rows, block < last ? sums + Rows : toSecond);
        }
    }

    // one token times a block of rows that lie side by side
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyOne(GroupTile* tile, byte* group, byte* token, int columns, int block, float* sums, float* to)
    {
        byte* ahead = group + GroupLayout.PrefetchBlocks(1) * Rows * sizeof(T);
        Prefetch.PagesAfter(ahead, Rows * sizeof(T));
        if (!T.MultipliesOne)
        {
            T.UnpackGroup(group, tile);
        }

        MultiplyOne(tile, token, columns, block, sums, to, T.MultipliesOne ? group : null, ahead);
    }

    // sums: [count][16], of the blocks before; with one block added they go to [count], apart from each other. ahead: what follows in
    // memory, or null
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply(GroupTile* tile, in TokenRows batch, int tokenBytes, int columns, int block, int count, float* sums, float* to, nint apart, byte* ahead)
    {
        int* products = stackalloc int[Octets.Tokens * Rows];
        var octet = (Octet256*)(batch.Octets + block * batch.OctetsApart);
        for (int t = 0; t < count; t += Octets.Tokens, octet++)
        {
            if (t == count - 1)
            {
                MultiplyOne(tile, batch.Rows + (nint)t * tokenBytes, columns, block, sums + t * Rows, to + t * apart, null, ahead);
                return;
            }

            nint aheadStep = ahead == null || t + Octets.Tokens < count ? 0 : AheadStep;
            int some = Math.Min(Octets.Tokens, count - t);
            TDot.Multiply<T>(tile->Quants, 64, tile->Scales, octet->Quants, some, (int*)octet->QuadSums, products, ahead, aheadStep);
            Finish(tile, some, products, (int*)(T.QuadsAScale == 4 ? octet->Sums : octet->WideSums), Octets.Tokens, octet->Scale, sums + t * Rows, to + t * apart, apart);
        }
    }

    // one token, from its row. packed: the group where the token takes it as it is, or null where it is in the tile
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyOne(GroupTile* tile, byte* row, int columns, int block, float* sums, float* to, byte* packed, byte* ahead)
    {
        int* products = stackalloc int[Rows];
        var token = (sbyte*)row + block * Activations.Q8KBlock;
        int* quadSums = (int*)(row + Activations.Q8KQuadSumOffset(columns)) + block * 16;
        if (T.MultipliesOne && packed != null)
        {
            T.MultiplyOne<TDot>(packed, tile, token, (sbyte*)quadSums, products, ahead);
        }
        else
        {
            TDot.MultiplyOne<T>(tile->Quants, 64, tile->Scales, token, quadSums, products, ahead, ahead == null ? 0 : AheadStep);
        }

        int* pairs = T.QuadsAScale == 4 ? (int*)(row + Activations.Q8KSumOffset(columns)) + block * 8 : (int*)(row + Activations.Q8KWideSumOffset(columns)) + block * 4;
        Finish(tile, 1, products, pairs, 1, (float*)(row + Activations.Q8KScaleOffset(columns)) + block, sums, to, 0);
    }

    // the float end of a block for some tokens, as ScalarTileDot.Finish has it. pairs: sums of activations, of two sub-blocks a word,
    // pairs[i · apart + token]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(GroupTile* tile, int tokens, int* products, int* pairs, nint apart, float* scales, float* sums, float* to, nint toApart)
    {
        if (TDot.Wide)
        {
            FinishWide(tile, tokens, products, pairs, apart, scales, sums, to, toApart);
        }
        else
        {
            FinishHalf(tile, 0, tokens, products, pairs, apart, scales, sums, to, toApart);
            FinishHalf(tile, 8, tokens, products + 8, pairs, apart, scales, sums + 8, to + 8, toApart);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FinishWide(GroupTile* tile, int tokens, int* products, int* pairs, nint apart, float* scales, float* sums, float* to, nint toApart)
    {
        short* minimums = tile->Minimums;
        Vector512<short> m0 = default, m1 = default, m2 = default, m3 = default, m4 = default, m5 = default, m6 = default, m7 = default;
        if (T.Correction == Correction.Minimum)
        {
            (m0, m1, m2, m3) = (Vector512.Load(minimums), Vector512.Load(minimums + 32), Vector512.Load(minimums + 64), Vector512.Load(minimums + 96));
            if (T.QuadsAScale == 4)
            {
                (m4, m5, m6, m7) = (Vector512.Load(minimums + 128), Vector512.Load(minimums + 160), Vector512.Load(minimums + 192), Vector512.Load(minimums + 224));
            }
        }

        Vector512<float> rowScale = Vector512.Load(tile->Scale), minimumScale = Vector512.Load(tile->MinimumScale);
        for (int t = 0; t < tokens; t++, products += Rows, sums += Rows, to += toApart, pairs++)
        {
            Vector512<float> tokenScale = Vector512.Create(scales[t]);
            Vector512<float> total = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(Vector512.Load(products)), rowScale * tokenScale, Vector512.Load(sums));
            if (T.Correction == Correction.Minimum)
            {
                Vector512<int> minimum = WidePair(m0, pairs) + WidePair(m1, pairs + apart) + (WidePair(m2, pairs + 2 * apart) + WidePair(m3, pairs + 3 * apart));
                if (T.QuadsAScale == 4)
                {
                    int* last = pairs + 4 * apart;
                    minimum += WidePair(m4, last) + WidePair(m5, last + apart) + (WidePair(m6, last + 2 * apart) + WidePair(m7, last + 3 * apart));
                }

                total = WideMath.MultiplyAddNegated(Vector512.ConvertToSingle(minimum), minimumScale * tokenScale, total);
            }

            total.Store(to);
        }
    }

    // eight of the rows
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FinishHalf(GroupTile* tile, int row, int tokens, int* products, int* pairs, nint apart, float* scales, float* sums, float* to, nint toApart)
    {
        short* minimums = tile->Minimums + 2 * row;
        Vector256<short> m0 = default, m1 = default, m2 = default, m3 = default;
        if (T.Correction == Correction.Minimum)
        {
            (m0, m1, m2, m3) = (Vector256.Load(minimums), Vector256.Load(minimums + 32), Vector256.Load(minimums + 64), Vector256.Load(minimums + 96));
        }

        Vector256<float> rowScale = Vector256.Load(tile->Scale + row), minimumScale = Vector256.Load(tile->MinimumScale + row);
        for (int t = 0; t < tokens; t++, products += Rows, sums += Rows, to += toApart, pairs++)
        {
            Vector256<float> tokenScale = Vector256.Create(scales[t]);
            Vector256<float> total = Fma.MultiplyAdd(Vector256.ConvertToSingle(Vector256.Load(products)), rowScale * tokenScale, Vector256.Load(sums));
            if (T.Correction == Correction.Minimum)
            {
                Vector256<int> minimum = Pair(m0, pairs) + Pair(m1, pairs + apart) + (Pair(m2, pairs + 2 * apart) + Pair(m3, pairs + 3 * apart));
                if (T.QuadsAScale == 4)
                {
                    int* last = pairs + 4 * apart;
                    minimum += Pair(Vector256.Load(minimums + 128), last) + Pair(Vector256.Load(minimums + 160), last + apart)
                        + (Pair(Vector256.Load(minimums + 192), last + 2 * apart) + Pair(Vector256.Load(minimums + 224), last + 3 * apart));
                }

                total = Fma.MultiplyAddNegated(Vector256.ConvertToSingle(minimum), minimumScale * tokenScale, total);
            }

            total.Store(to);
        }
    }

    // two sub-blocks' minimums times the sums of a token's activations there
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Pair(Vector256<short> minimums, int* sums) =>
        Avx2.MultiplyAddAdjacent(minimums, Vector256.Create(*sums).AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> WidePair(Vector512<short> minimums, int* sums) =>
        WideMath.MultiplyAddAdjacent(minimums, Vector512.Create(*sums).AsInt16());
}
