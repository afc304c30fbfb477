using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

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
                byte* ahead = rowBytes == 0 ? group + GroupLayout.PrefetchBlocks(count) * Blocks * Rows * sizeof(T) : null;
                if (T.MultipliesOne && count == 1 && rowBytes == 0)
                {
                    MultiplyOne(tile, null, some, batch.Rows, columns, block, sums, group, ahead);
                    continue;
                }

                for (int i = 0; i < some; i++)
                {
                    if (rowBytes != 0)
                    {
                        T.Layout.Pack(rows + (nint)(block + i) * sizeof(T), rowBytes, group + i * Rows * sizeof(T));
                    }

                    T.UnpackGroup(group + i * Rows * sizeof(T), i, tile);
                }

                Multiply(tile, T.Gap == 0 ? tile->Quants : group + T.Gap, some, batch, tokenBytes, columns, block, count, sums, ahead);
            }

            for (int t = 0; t < count; t++)
            {
                new ReadOnlySpan<float>(sums + t * Rows, Rows).CopyTo(new Span<float>(destination + (first + t) * stride, Rows));
            }
        }
    }

    // sums: [count][16], of the blocks before; the tile's are added, one after the other. ahead: what follows in memory, or null
    [SkipLocalsInit]
    private static void Multiply(GroupTile* tile, byte* weights, int blocks, in TokenRows batch, int tokenBytes, int columns, int block, int count, float* sums,
        byte* ahead)
    {
        int* products = stackalloc int[Blocks * Octets.Tokens * Rows]; // [blocks][8 tokens][16]
        var octet = (Octet32*)(batch.Octets + block / Blocks * batch.OctetsApart);
        for (int t = 0; t < count; t += Octets.Tokens, octet++)
        {
            if (t == count - 1)
            {
                MultiplyOne(tile, weights, blocks, batch.Rows + (nint)t * tokenBytes, columns, block, sums + t * Rows, null, ahead);
                return;
            }

            nint aheadStep = ahead == null || t + Octets.Tokens < count ? 0 : Rows * sizeof(T);
            int some = Math.Min(Octets.Tokens, count - t);
            TDot.Multiply<T>(weights, 8 * blocks, null, octet->Quants, some, null, products, ahead, aheadStep);
            for (int i = 0; i < some; i++)
            {
                Finish(tile, products + i * Rows, Octets.Tokens * Rows, blocks, octet->Scales + i, octet->Sums + i, Octets.Tokens, sums + (t + i) * Rows);
            }
        }
    }

    // one token, from its row. packed: the blocks where the token takes them as they are, or null where they are in the tile
    [SkipLocalsInit]
    private static void MultiplyOne(GroupTile* tile, byte* weights, int blocks, byte* row, int columns, int block, float* sums, byte* packed, byte* ahead)
    {
        int* products = stackalloc int[Blocks * Rows]; // [blocks][16]
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

        Finish(tile, products, Rows, blocks, (float*)(row + Activations.Q8ScaleOffset(columns)) + block, (int*)(row + Activations.Q8SumOffset(columns)) + block, 1, sums);
    }

    // the float end of each block for one token, as ScalarTileDot.Add has it. products: [blocks], step apart; scales and activations'
    // sums: [blocks], apart
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(GroupTile* tile, int* products, nint step, int blocks, float* scales, int* activations, nint apart, float* sums)
    {
        if (TDot.Wide)
        {
            FinishWide(tile, products, step, blocks, scales, activations, apart, sums);
        }
        else
        {
            FinishHalf(tile, 0, products, step, blocks, scales, activations, apart, sums);
            FinishHalf(tile, 8, products + 8, step, blocks, scales, activations, apart, sums + 8);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishWide(GroupTile* tile, int* products, nint step, int blocks, float* scales, int* activations, nint apart, float* sums)
    {
        Vector512<float> total = Vector512.Load(sums);
        for (int i = 0; i < blocks; i++, products += step, scales += apart, activations += apart)
        {
            Vector512<float> scale = Vector512.Create(*scales);
            Vector512<int> sum = Vector512.Load(products);
            if (T.Correction == Correction.Offset)
            {
                sum -= Vector512.Create(*activations * T.Offset);
            }

            total = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(sum), Vector512.Load(tile->Scale + i * Rows) * scale, total);
            if (T.Correction == Correction.Minimum)
            {
                total = Vector512.FusedMultiplyAdd(Vector512.Create((float)*activations), Vector512.Load(tile->MinimumScale + i * Rows) * scale, total);
            }
        }

        total.Store(sums);
    }

    // eight of the rows
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishHalf(GroupTile* tile, int row, int* products, nint step, int blocks, float* scales, int* activations, nint apart, float* sums)
    {
        Vector256<float> total = Vector256.Load(sums);
        for (int i = 0; i < blocks; i++, products += step, scales += apart, activations += apart)
        {
            Vector256<float> scale = Vector256.Create(*scales);
            Vector256<int> sum = Vector256.Load(products);
            if (T.Correction == Correction.Offset)
            {
                sum -= Vector256.Create(*activations * T.Offset);
            }

            total = Fma.MultiplyAdd(Vector256.ConvertToSingle(sum), Vector256.Load(tile->Scale + i * Rows + row) * scale, total);
            if (T.Correction == Correction.Minimum)
            {
                total = Fma.MultiplyAdd(Vector256.Create((float)*activations), Vector256.Load(tile->MinimumScale + i * Rows + row) * scale, total);
            }
        }

        total.Store(sums);
    }
}
