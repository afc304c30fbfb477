using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>Sixteen rows of a format with blocks of 256, side by side: a block is unpacked once and multiplied with every token.</summary>
internal static unsafe class GroupRows256<T, TDot>
    where T : unmanaged, IBlock256<T>
    where TDot : struct, IGroupDot
{
    private const int Rows = GroupLayout.Rows;

    /// <summary>Tokens whose sums live on the stack.</summary>
    private const int Batch = 128;

    /// <summary>See <see cref="RowDot.RunGroup"/>.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(byte* rows, nint rowBytes, byte* activations, int columns, int tokens, float* destination, nint stride)
    {
        byte* storage = stackalloc byte[sizeof(GroupTile) + Rows * sizeof(T) + 128];
        var tile = (GroupTile*)(((nuint)storage + 63) & ~(nuint)63);
        byte* packed = (byte*)(tile + 1);
        float* sums = stackalloc float[Batch * Rows];
        nint tokenBytes = Activations.RowBytes(ActivationFormat.Q8K, columns);
        for (int first = 0; first < tokens; first += Batch)
        {
            int count = Math.Min(Batch, tokens - first);
            byte* batch = activations + first * tokenBytes;
            new Span<float>(sums, count * Rows).Clear();
            for (int block = 0; block < columns / Activations.Q8KBlock; block++)
            {
                byte* group = rows + (nint)block * Rows * sizeof(T);
                if (rowBytes != 0)
                {
                    group = packed;
                    T.Layout.Pack(rows + (nint)block * sizeof(T), rowBytes, group);
                }

                bool alone = T.MultipliesOne && count == 1 && rowBytes == 0;
                if (!alone)
                {
                    T.UnpackGroup(group, tile);
                }

                Multiply(tile, batch, tokenBytes, columns, block, count, sums, alone ? group : null,
                    rowBytes == 0 ? group + GroupLayout.PrefetchBlocks * Rows * sizeof(T) : null);
            }

            for (int t = 0; t < count; t++)
            {
                new ReadOnlySpan<float>(sums + t * Rows, Rows).CopyTo(new Span<float>(destination + (first + t) * stride, Rows));
            }
        }
    }

    // sums: [count][16], of the blocks before; one block is added. alone: the group, where one token takes it as it is, or null.
    // ahead: what follows in memory, or null
    private static void Multiply(GroupTile* tile, byte* batch, nint tokenBytes, int columns, int block, int count, float* sums, byte* alone, byte* ahead)
    {
        int* products = stackalloc int[TDot.Tokens * Rows];
        sbyte** tokens = stackalloc sbyte*[TDot.Tokens];
        int pairs = T.QuadsAScale == 4 ? 8 : 4;
        byte* pair = batch + (T.QuadsAScale == 4 ? Activations.Q8KSumOffset(columns) : Activations.Q8KWideSumOffset(columns)) + block * pairs * sizeof(int);
        byte* scale = batch + Activations.Q8KScaleOffset(columns) + block * sizeof(float);
        byte* token = batch + block * Activations.Q8KBlock;
        nint quadSums = Activations.Q8KQuadSumOffset(columns) - block * (Activations.Q8KBlock - Activations.Q8KBlock / Activations.SumBlock * 2 * sizeof(short));
        for (int t = 0; t < count; t += TDot.Tokens)
        {
            int some = Math.Min(TDot.Tokens, count - t);
            nint aheadBytes = t == 0 && ahead != null ? Rows * sizeof(T) : 0;
            if (T.MultipliesOne && alone != null)
            {
                T.MultiplyOne(alone, tile, (sbyte*)token, (sbyte*)token + quadSums, products, ahead);
            }
            else if (some == 1)
            {
                TDot.MultiplyOne<T>(tile->Quants, 64, tile->Scales, (sbyte*)token, quadSums, products, ahead, aheadBytes);
            }
            else
            {
                for (int i = 0; i < TDot.Tokens; i++)
                {
                    // past the last token the last is computed again
                    tokens[i] = (sbyte*)token + Math.Min(i, some - 1) * tokenBytes;
                }

                TDot.Multiply<T>(tile->Quants, 64, tile->Scales, tokens, quadSums, products, ahead, aheadBytes);
            }

            Finish(tile, 0, some, products, pair, scale, tokenBytes, sums + t * Rows);
            Finish(tile, 8, some, products + 8, pair, scale, tokenBytes, sums + t * Rows + 8);
            token += some * tokenBytes;
            pair += some * tokenBytes;
            scale += some * tokenBytes;
        }
    }

    // the float end of a block, as ScalarTileDot.Finish has it, for eight rows and some tokens
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(GroupTile* tile, int row, int tokens, int* products, byte* pair, byte* scale, nint tokenBytes, float* sums)
    {
        short* minimums = tile->Minimums + 2 * row;
        Vector256<short> m0 = default, m1 = default, m2 = default, m3 = default;
        if (T.Correction == Correction.Minimum)
        {
            (m0, m1, m2, m3) = (Vector256.Load(minimums), Vector256.Load(minimums + 32), Vector256.Load(minimums + 64), Vector256.Load(minimums + 96));
        }

        Vector256<float> rowScale = Vector256.Load(tile->Scale + row), minimumScale = Vector256.Load(tile->MinimumScale + row);
        for (int t = 0; t < tokens; t++, products += Rows, sums += Rows, pair += tokenBytes, scale += tokenBytes)
        {
            Vector256<int> sum = Vector256.Load(products), minimum = default;
            if (T.Correction == Correction.Minimum)
            {
                minimum = Pair(m0, pair) + Pair(m1, pair + 4) + (Pair(m2, pair + 8) + Pair(m3, pair + 12));
                if (T.QuadsAScale == 4)
                {
                    minimum += Pair(Vector256.Load(minimums + 128), pair + 16) + Pair(Vector256.Load(minimums + 160), pair + 20)
                        + (Pair(Vector256.Load(minimums + 192), pair + 24) + Pair(Vector256.Load(minimums + 224), pair + 28));
                }
            }

            Vector256<float> tokenScale = Vector256.Create(*(float*)scale);
            Vector256<float> total = Fma.MultiplyAdd(Vector256.ConvertToSingle(sum), rowScale * tokenScale, Vector256.Load(sums));
            if (T.Correction == Correction.Minimum)
            {
                total = Fma.MultiplyAddNegated(Vector256.ConvertToSingle(minimum), minimumScale * tokenScale, total);
            }

            total.Store(sums);
        }
    }

    // two sub-blocks' minimums times the sums of a token's activations there
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Pair(Vector256<short> minimums, byte* sums) =>
        Avx2.MultiplyAddAdjacent(minimums, Vector256.Create(*(int*)sums).AsInt16());
}
