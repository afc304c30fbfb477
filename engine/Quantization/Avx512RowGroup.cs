using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>Sixteen rows times eight tokens at a time in AVX-512 registers: 8 sums of 16 bits, 8 of 32 bits, one register of weights.</summary>
internal static unsafe class Avx512RowGroup
{
    private const int Tokens = 8;

    /// <summary>Tokens whose accumulators live on the stack.</summary>
    private const int Group = 128;

    /// <summary>The kernel of a type; null where it has none: its quants are signed or its blocks are not of 256.</summary>
    public static delegate*<byte*, nint, byte*, int, int, float*, nint, void> For(GgmlType type) => type switch
    {
        GgmlType.Q2_K => &Run<Q2_K>,
        GgmlType.Q3_K => &Run<Q3_K>,
        GgmlType.Q4_K => &Run<Q4_K>,
        GgmlType.Q5_K => &Run<Q5_K>,
        GgmlType.Q6_K => &Run<Q6_K>,
        _ => null,
    };

    /// <summary>As <see cref="RowDot.Run"/> for sixteen rows, <paramref name="rowBytes"/> apart: destination[t * stride + row].</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<T>(byte* rows, nint rowBytes, byte* activations, int columns, int tokens, float* destination, nint stride)
        where T : unmanaged, IBlock256<T>
    {
        byte* storage = stackalloc byte[sizeof(RowGroup256) + RowGroup256.Rows * sizeof(Tile256) + 128];
        var group = (RowGroup256*)(((nuint)storage + 63) & ~(nuint)63);
        var tiles = (Tile256*)(group + 1);
        float* sums = stackalloc float[Group * RowGroup256.Rows];
        nint tokenBytes = Activations.RowBytes(ActivationFormat.Q8K, columns);
        for (int first = 0; first < tokens; first += Group)
        {
            int count = Math.Min(Group, tokens - first);
            byte* batch = activations + first * tokenBytes;
            new Span<float>(sums, count * RowGroup256.Rows).Clear();
            for (int block = 0; block < columns / Activations.Q8KBlock; block++)
            {
                RowGroup256.Unpack<T>(rows + block * sizeof(T), rowBytes, tiles, group);
                for (int t = 0; t < count; t += Tokens)
                {
                    Block<T>(group, batch + t * tokenBytes, tokenBytes, columns, block, Math.Min(Tokens, count - t), sums + t * RowGroup256.Rows);
                }
            }

            for (int t = 0; t < count; t++)
            {
                Vector512.Load(sums + t * RowGroup256.Rows).Store(destination + (first + t) * stride);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block<T>(RowGroup256* group, byte* token, nint tokenBytes, int columns, int block, int count, float* sums)
        where T : unmanaged, IBlock256<T>
    {
        // past the last token the last is computed again and not stored
        byte* p0 = token + block * 256;
        byte* p1 = p0 + Math.Min(1, count - 1) * tokenBytes, p2 = p0 + Math.Min(2, count - 1) * tokenBytes;
        byte* p3 = p0 + Math.Min(3, count - 1) * tokenBytes, p4 = p0 + Math.Min(4, count - 1) * tokenBytes;
        byte* p5 = p0 + Math.Min(5, count - 1) * tokenBytes, p6 = p0 + Math.Min(6, count - 1) * tokenBytes;
        byte* p7 = p0 + Math.Min(7, count - 1) * tokenBytes;
        Vector512<int> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        int quads = T.QuadsInHeadroom;
        for (nint q = 0; q < 64;)
        {
            Vector512<short> scale = Vector512.Load(group->Scales + q / 4 * 32);
            Vector512<byte> w = Vector512.Load(group->Quants + q * 64);
            Vector512<short> c0 = Pairs(w, p0, q), c1 = Pairs(w, p1, q), c2 = Pairs(w, p2, q), c3 = Pairs(w, p3, q);
            Vector512<short> c4 = Pairs(w, p4, q), c5 = Pairs(w, p5, q), c6 = Pairs(w, p6, q), c7 = Pairs(w, p7, q);
            nint end = q + quads;
            for (q++; q < end; q++)
            {
                w = Vector512.Load(group->Quants + q * 64);
                c0 += Pairs(w, p0, q);
                c1 += Pairs(w, p1, q);
                c2 += Pairs(w, p2, q);
                c3 += Pairs(w, p3, q);
                c4 += Pairs(w, p4, q);
                c5 += Pairs(w, p5, q);
                c6 += Pairs(w, p6, q);
                c7 += Pairs(w, p7, q);
            }

            s0 += Avx512BW.MultiplyAddAdjacent(c0, scale);
            s1 += Avx512BW.MultiplyAddAdjacent(c1, scale);
            s2 += Avx512BW.MultiplyAddAdjacent(c2, scale);
            s3 += Avx512BW.MultiplyAddAdjacent(c3, scale);
            s4 += Avx512BW.MultiplyAddAdjacent(c4, scale);
            s5 += Avx512BW.MultiplyAddAdjacent(c5, scale);
            s6 += Avx512BW.MultiplyAddAdjacent(c6, scale);
            s7 += Avx512BW.MultiplyAddAdjacent(c7, scale);
        }

        Finish<T>(group, s0, token, columns, block, sums);
        if (count > 1) Finish<T>(group, s1, token + tokenBytes, columns, block, sums + 16);
        if (count > 2) Finish<T>(group, s2, token + 2 * tokenBytes, columns, block, sums + 32);
        if (count > 3) Finish<T>(group, s3, token + 3 * tokenBytes, columns, block, sums + 48);
        if (count > 4) Finish<T>(group, s4, token + 4 * tokenBytes, columns, block, sums + 64);
        if (count > 5) Finish<T>(group, s5, token + 5 * tokenBytes, columns, block, sums + 80);
        if (count > 6) Finish<T>(group, s6, token + 6 * tokenBytes, columns, block, sums + 96);
        if (count > 7) Finish<T>(group, s7, token + 7 * tokenBytes, columns, block, sums + 112);
    }

    // sixteen rows' sums of two products each, of four columns
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Pairs(Vector512<byte> weights, byte* token, nint quad) =>
        Avx512BW.MultiplyAddAdjacent(weights, Vector512.Create(((int*)token)[quad]).AsSByte());

    // the float end of a block, as ScalarTileDot.Finish has it, for sixteen rows
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish<T>(RowGroup256* group, Vector512<int> sum, byte* token, int columns, int block, float* sums)
        where T : unmanaged, IBlock256<T>
    {
        Vector512<float> scale = Vector512.Create(((float*)(token + Activations.Q8KScaleOffset(columns)))[block]);
        Vector512<int> minimum = default;
        if (T.Correction != Correction.None)
        {
            int* pairs = (int*)(token + Activations.Q8KSumOffset(columns)) + block * 8;
            for (int i = 0; i < 8; i++)
            {
                minimum += Avx512BW.MultiplyAddAdjacent(Vector512.Load(group->Minimums + i * 32), Vector512.Create(pairs[i]).AsInt16());
            }
        }

        if (T.Correction == Correction.Offset)
        {
            sum -= minimum;
        }

        Vector512<float> total = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(sum), Vector512.Load(group->Scale) * scale, Vector512.Load(sums));
        if (T.Correction == Correction.Minimum)
        {
            total = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(minimum), -(Vector512.Load(group->MinimumScale) * scale), total);
        }

        total.Store(sums);
    }
}
