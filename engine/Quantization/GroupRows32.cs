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
    public static void Run(byte* rows, nint rowBytes, byte* activations, int columns, int tokens, float* destination, nint stride)
    {
        byte* storage = stackalloc byte[sizeof(GroupTile) + Blocks * Rows * sizeof(T) + 128];
        var tile = (GroupTile*)(((nuint)storage + 63) & ~(nuint)63);
        byte* packed = (byte*)(tile + 1);
        float* sums = stackalloc float[Batch * Rows];
        nint tokenBytes = Activations.RowBytes(ActivationFormat.Q8, columns);
        int blocks = columns / Activations.Q8Block;
        for (int first = 0; first < tokens; first += Batch)
        {
            int count = Math.Min(Batch, tokens - first);
            byte* batch = activations + first * tokenBytes;
            new Span<float>(sums, count * Rows).Clear();
            for (int block = 0; block < blocks; block += Blocks)
            {
                int some = Math.Min(Blocks, blocks - block);
                bool alone = T.MultipliesOne && count == 1 && rowBytes == 0;
                byte* group = rowBytes == 0 ? rows + (nint)block * Rows * sizeof(T) : packed; // [some][16 · block bytes]
                for (int i = 0; i < some && !alone; i++)
                {
                    if (rowBytes != 0)
                    {
                        T.Layout.Pack(rows + (nint)(block + i) * sizeof(T), rowBytes, group + i * Rows * sizeof(T));
                    }

                    T.UnpackGroup(group + i * Rows * sizeof(T), i, tile);
                }

                Multiply(tile, T.Gap == 0 ? tile->Quants : group + T.Gap, some, batch, tokenBytes, columns, block, count, sums, alone ? group : null,
                    rowBytes == 0 ? group + GroupLayout.PrefetchBlocks * Blocks * Rows * sizeof(T) : null);
            }

            for (int t = 0; t < count; t++)
            {
                new ReadOnlySpan<float>(sums + t * Rows, Rows).CopyTo(new Span<float>(destination + (first + t) * stride, Rows));
            }
        }
    }

    // sums: [count][16], of the blocks before; the tile's are added, one after the other. alone: the blocks, where one token takes them
    // as they are, or null. ahead: what follows in memory, or null
    [SkipLocalsInit]
    private static void Multiply(GroupTile* tile, byte* weights, int blocks, byte* batch, nint tokenBytes, int columns, int block, int count, float* sums,
        byte* alone, byte* ahead)
    {
        int* products = stackalloc int[Blocks * TDot.Tokens * Rows]; // [blocks][tokens][16]
        sbyte** tokens = stackalloc sbyte*[TDot.Tokens];
        for (int t = 0; t < count; t += TDot.Tokens)
        {
            byte* token = batch + t * tokenBytes;
            int some = Math.Min(TDot.Tokens, count - t), step = some == 1 ? Rows : TDot.Tokens * Rows;
            nint aheadBytes = t == 0 && ahead != null ? blocks * Rows * sizeof(T) : 0;
            if (T.MultipliesOne && alone != null)
            {
                for (int i = 0; i < blocks; i++)
                {
                    T.MultiplyOne(alone + i * Rows * sizeof(T), i, tile, (sbyte*)token + (block + i) * 32, products + i * Rows, ahead + i * Rows * sizeof(T));
                }
            }
            else if (some == 1)
            {
                TDot.MultiplyOne<T>(weights, 8 * blocks, null, (sbyte*)token + block * 32, 0, products, ahead, aheadBytes);
            }
            else
            {
                for (int i = 0; i < TDot.Tokens; i++)
                {
                    // past the last token the last is computed again
                    tokens[i] = (sbyte*)token + Math.Min(i, some - 1) * tokenBytes + block * 32;
                }

                TDot.Multiply<T>(weights, 8 * blocks, null, tokens, 0, products, ahead, aheadBytes);
            }

            for (int i = 0; i < some; i++, token += tokenBytes)
            {
                float* scales = (float*)(token + Activations.Q8ScaleOffset(columns)) + block;
                int* activations = (int*)(token + Activations.Q8SumOffset(columns)) + block;
                Finish(tile, 0, products + i * Rows, step, blocks, scales, activations, sums + (t + i) * Rows);
                Finish(tile, 8, products + i * Rows + 8, step, blocks, scales, activations, sums + (t + i) * Rows + 8);
            }
        }
    }

    // the float end of each block, as ScalarTileDot.Add has it, for eight rows
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(GroupTile* tile, int row, int* products, nint step, int blocks, float* scales, int* activations, float* sums)
    {
        Vector256<float> total = Vector256.Load(sums);
        for (int i = 0; i < blocks; i++, products += step)
        {
            Vector256<float> scale = Vector256.Create(scales[i]);
            Vector256<int> sum = Vector256.Load(products);
            if (T.Correction == Correction.Offset)
            {
                sum -= Vector256.Create(activations[i] * T.Offset);
            }

            total = Fma.MultiplyAdd(Vector256.ConvertToSingle(sum), Vector256.Load(tile->Scale + i * Rows + row) * scale, total);
            if (T.Correction == Correction.Minimum)
            {
                total = Fma.MultiplyAdd(Vector256.Create((float)activations[i]), Vector256.Load(tile->MinimumScale + i * Rows + row) * scale, total);
            }
        }

        total.Store(sums);
    }
}
