using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Quantization;

/// <summary>Sixteen rows of a format with blocks of 32, side by side: eight blocks are unpacked at a time, and multiplied with every
/// token.</summary>
internal static unsafe class GroupRows32<T, TDot>
    where T : unmanaged, IBlock32<T>
    where TDot : struct, IGroupDot
{
    private const int Rows = GroupLayout.Rows;

    /// <summary>Blocks a tile.</summary>
    private const int Blocks = 8;

    /// <summary>Tokens whose sums live on the stack.</summary>
    private const int Batch = 128;

    /// <summary>See <see cref="RowDot.RunGroup"/>.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(byte* rows, nint rowBytes, TokenRows activations, int columns, int tokens, float* destination, nint stride)
    {
        byte* storage = stackalloc byte[sizeof(GroupTile) + Blocks * Rows * sizeof(T) + 128];
        var tile = (GroupTile*)(((nuint)storage + 63) & ~(nuint)63);
        byte* packed = (byte*)(tile + 1);
        float* sums = stackalloc float[Batch * Rows];
        int tokenBytes = Activations.RowBytes(ActivationFormat.Q8, columns), blocks = columns / Activations.Q8Block;
        for (int first = 0; first < tokens; first += Batch)
        {
            int count = Math.Min(Batch, tokens - first);
            TokenRows batch = activations.From(first, tokenBytes, ActivationFormat.Q8);
            new Span<float>(sums, count * Rows).Clear();
            for (int block = 0; block < blocks; block += Blocks)
            {
                int some = Math.Min(Blocks, blocks - block);
                byte* group = rowBytes == 0 ? rows + (nint)block * Rows * sizeof(T) : packed; // [some][16 · block bytes]
                // as in GroupRows256
                float* to = block + Blocks < blocks ? sums : destination + first * stride;
                nint apart = block + Blocks < blocks ? Rows : stride;
                if (count == 1 && rowBytes == 0)
                {
                    MultiplyOne(tile, group, some, batch.Rows, columns, block, sums, to);
                    continue;
                }

                byte* ahead = rowBytes == 0 ? group + GroupLayout.PrefetchBlocks(count) * Blocks * Rows * sizeof(T) : null;
                for (int i = 0; i < some && rowBytes != 0; i++)
                {
                    T.Layout.Pack(rows + (nint)(block + i) * sizeof(T), rowBytes, group + i * Rows * sizeof(T));
                }

                Multiply(tile, Unpack(group, some, tile), some, batch, tokenBytes, columns, block, count, sums, to, apart, ahead);
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
        int blocks = columns / Activations.Q8Block;
        for (int block = 0; block < blocks; block += Blocks, first += Blocks * Rows * sizeof(T), second += Blocks * Rows * sizeof(T))
        {
            int some = Math.Min(Blocks, blocks - block);
            bool isLast = block + Blocks >= blocks;
            MultiplyOne(tile, first, some, token, columns, block, sums, isLast ? toFirst : sums);
            MultiplyOne(tile, second, some, token, columns, block, sums + Rows, isLast ? toSecond : sums + Rows);
        }
    }

    // one token times some blocks of rows that lie side by side
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyOne(GroupTile* tile, byte* group, int blocks, byte* token, int columns, int block, float* sums, float* to)
    {
        byte* ahead = group + GroupLayout.PrefetchBlocks(1) * Blocks * Rows * sizeof(T);
        Prefetch.PagesAfter(ahead, Blocks * Rows * sizeof(T));
        byte* weights = T.MultipliesOne ? null : Unpack(group, blocks, tile);
        MultiplyOne(tile, weights, blocks, token, columns, block, sums, to, T.MultipliesOne ? group : null, ahead);
    }

    /// <returns>Where the quants are: in the tile, or in the group itself.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static byte* Unpack(byte* group, int blocks, GroupTile* tile)
    {
        for (int i = 0; i < blocks; i++)
        {
            T.UnpackGroup(group + i * Rows * sizeof(T), i, tile);
        }

        return T.Gap == 0 ? tile->Quants : group + T.Gap;
    }

    // sums: [count][16], of the blocks before; with the tile's added, one after the other, they go to [count], apart from each other.
    // ahead: what follows in memory, or null
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply(GroupTile* tile, byte* weights, int blocks, in TokenRows batch, int tokenBytes, int columns, int block, int count, float* sums,
        float* to, nint apart, byte* ahead)
    {
        int* products = stackalloc int[Blocks * Octets.Tokens * Rows], corrections = stackalloc int[Blocks * Octets.Tokens]; // [blocks][8 tokens][16], [blocks][8 tokens]
        var octet = (Octet32*)(batch.Octets + block / Blocks * batch.OctetsApart);
        for (int t = 0; t < count; t += Octets.Tokens, octet++)
        {
            if (t == count - 1)
            {
                MultiplyOne(tile, weights, blocks, batch.Rows + (nint)t * tokenBytes, columns, block, sums + t * Rows, to + t * apart, null, ahead);
                return;
            }

            nint aheadStep = ahead == null || t + Octets.Tokens < count ? 0 : Rows * sizeof(T);
            int some = Math.Min(Octets.Tokens, count - t);
            TDot.Multiply<T>(weights, 8 * blocks, null, octet->Quants, some, null, products, ahead, aheadStep);
            for (int i = 0; i < Blocks * Octets.Tokens && T.Correction != Correction.None; i += 16)
            {
                Correct(Vector512.Load(octet->Sums + i)).Store(corrections + i);
            }

            for (int i = 0; i < some; i += FourTokens.Count)
            {
                Finish<FourTokens>(tile, some - i, products + i * Rows, blocks, octet->Scales + i, corrections + i, sums + (t + i) * Rows, to + (t + i) * apart, apart);
            }
        }
    }

    // one token, from its row. packed: the blocks where the token takes them as they are, or null where they are in the tile
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyOne(GroupTile* tile, byte* weights, int blocks, byte* row, int columns, int block, float* sums, float* to, byte* packed, byte* ahead)
    {
        int* products = stackalloc int[Blocks * Rows], corrections = stackalloc int[Blocks]; // [blocks][16], [blocks]
        var token = (sbyte*)row + block * 32;
        if (T.MultipliesOne && packed != null)
        {
            for (int i = 0; i < blocks; i++)
            {
                T.MultiplyOne<TDot>(packed + i * Rows * sizeof(T), i, tile, token + i * 32, products + i * Rows, ahead + i * Rows * sizeof(T));
            }
        }
        else
        {
            TDot.MultiplyOne<T>(weights, 8 * blocks, null, token, null, products, ahead, ahead == null ? 0 : Rows * sizeof(T));
        }

        int* own = (int*)(row + Activations.Q8SumOffset(columns)) + block;
        for (int i = 0; i < blocks && T.Correction != Correction.None; i++)
        {
            corrections[i] = Correct(Vector512.CreateScalar(own[i])).ToScalar();
        }

        Finish<OneToken>(tile, 1, products, blocks, (float*)(row + Activations.Q8ScaleOffset(columns)) + block, corrections, sums, to, 0);
    }

    // what sums of activations are to the blocks' ends: an integer to be taken off, or a float factor of the minimums
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Correct(Vector512<int> sums) => T.Correction switch
    {
        Correction.Offset => sums * T.Offset,
        Correction.Minimum => Vector512.ConvertToSingle(sums).AsInt32(),
        _ => sums,
    };

    // the float ends of some blocks for one token or up to four, as ScalarTileDot.Add has them: to sums, [tokens][16], which go to [tokens],
    // apart from each other. products: [blocks][as many as lie side by side][16]; scales and corrections: [blocks][as many]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish<TTokens>(GroupTile* tile, int tokens, int* products, int blocks, float* scales, int* corrections, float* sums, float* to, nint apart)
        where TTokens : struct, ITokenCount
    {
        if (TDot.Wide)
        {
            FinishWide<TTokens>(tile, tokens, products, blocks, scales, corrections, sums, to, apart);
        }
        else
        {
            FinishHalf<TTokens>(tile, 0, tokens, products, blocks, scales, corrections, sums, to, apart);
            FinishHalf<TTokens>(tile, 8, tokens, products + 8, blocks, scales, corrections, sums + 8, to + 8, apart);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FinishWide<TTokens>(GroupTile* tile, int tokens, int* products, int blocks, float* scales, int* corrections, float* sums, float* to, nint apart)
        where TTokens : struct, ITokenCount
    {
        Vector512<float> first = Vector512.Load(sums), second = default, third = default, fourth = default;
        if (TTokens.Count > OneToken.Count)
        {
            (second, third, fourth) = (Vector512.Load(sums + Rows), Vector512.Load(sums + 2 * Rows), Vector512.Load(sums + 3 * Rows));
        }

        float* weights = tile->Scale, minimums = tile->MinimumScale;
        for (int i = 0; i < blocks; i++, weights += Rows, minimums += Rows, products += TTokens.Apart * Rows, scales += TTokens.Apart, corrections += TTokens.Apart)
        {
            Vector512<float> weight = Vector512.Load(weights), minimum = T.Correction == Correction.Minimum ? Vector512.Load(minimums) : default;
            first = Add(first, weight, minimum, products, scales, corrections);
            if (TTokens.Count > OneToken.Count)
            {
                second = Add(second, weight, minimum, products + Rows, scales + 1, corrections + 1);
                third = Add(third, weight, minimum, products + 2 * Rows, scales + 2, corrections + 2);
                fourth = Add(fourth, weight, minimum, products + 3 * Rows, scales + 3, corrections + 3);
            }
        }

        first.Store(to);
        if (tokens > 1)
        {
            second.Store(to + apart);
        }

        if (tokens > 2)
        {
            third.Store(to + 2 * apart);
        }

        if (tokens > 3)
        {
            fourth.Store(to + 3 * apart);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add(Vector512<float> total, Vector512<float> weight, Vector512<float> minimum, int* products, float* scale, int* correction)
    {
        Vector512<float> token = Vector512.Create(*scale);
        Vector512<int> sum = Vector512.Load(products);
        if (T.Correction == Correction.Offset)
        {
            sum -= Vector512.Create(*correction);
        }

        total = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(sum), weight * token, total);
        return T.Correction == Correction.Minimum ? Vector512.FusedMultiplyAdd(Vector512.Create(*(float*)correction), minimum * token, total) : total;
    }

    // eight of the rows
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FinishHalf<TTokens>(GroupTile* tile, int row, int tokens, int* products, int blocks, float* scales, int* corrections, float* sums, float* to, nint apart)
        where TTokens : struct, ITokenCount
    {
        Vector256<float> first = Vector256.Load(sums), second = default, third = default, fourth = default;
        if (TTokens.Count > OneToken.Count)
        {
            (second, third, fourth) = (Vector256.Load(sums + Rows), Vector256.Load(sums + 2 * Rows), Vector256.Load(sums + 3 * Rows));
        }

        float* weights = tile->Scale + row, minimums = tile->MinimumScale + row;
        for (int i = 0; i < blocks; i++, weights += Rows, minimums += Rows, products += TTokens.Apart * Rows, scales += TTokens.Apart, corrections += TTokens.Apart)
        {
            Vector256<float> weight = Vector256.Load(weights), minimum = T.Correction == Correction.Minimum ? Vector256.Load(minimums) : default;
            first = Add(first, weight, minimum, products, scales, corrections);
            if (TTokens.Count > OneToken.Count)
            {
                second = Add(second, weight, minimum, products + Rows, scales + 1, corrections + 1);
                third = Add(third, weight, minimum, products + 2 * Rows, scales + 2, corrections + 2);
                fourth = Add(fourth, weight, minimum, products + 3 * Rows, scales + 3, corrections + 3);
            }
        }

        first.Store(to);
        if (tokens > 1)
        {
            second.Store(to + apart);
        }

        if (tokens > 2)
        {
            third.Store(to + 2 * apart);
        }

        if (tokens > 3)
        {
            fourth.Store(to + 3 * apart);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Add(Vector256<float> total, Vector256<float> weight, Vector256<float> minimum, int* products, float* scale, int* correction)
    {
        Vector256<float> token = Vector256.Create(*scale);
        Vector256<int> sum = Vector256.Load(products);
        if (T.Correction == Correction.Offset)
        {
            sum -= Vector256.Create(*correction);
        }

        total = Fma.MultiplyAdd(Vector256.ConvertToSingle(sum), weight * token, total);
        return T.Correction == Correction.Minimum ? Fma.MultiplyAdd(Vector256.Create(*(float*)correction), minimum * token, total) : total;
    }
}
