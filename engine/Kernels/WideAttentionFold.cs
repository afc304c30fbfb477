using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SmolCluster.Engine.Caching;

namespace SmolCluster.Engine.Kernels;

/// <summary>
/// <see cref="AttentionFold{T}"/> with AVX-512, for four rows or for eight: 32 positions or columns at a time, two registers of sums a
/// row. The chains of additions are the same, so the bits are. Eight rows need half of the loads and conversions, and have sums enough
/// to hide how long an addition takes; a decoding token has too few rows for that and waits for the memory anyway.
/// </summary>
internal static unsafe class WideAttentionFold<T>
    where T : struct, IKvCells
{
    /// <summary>What a head's length must be a multiple of.</summary>
    public const int Columns = 32;

    private const int Page = KvLayout.PageLength, Quad = AttentionRows.Quad, Lanes = Columns / 2;

    /// <summary>See <see cref="AttentionFold{T}.Score"/>.</summary>
    /// <param name="queries">[rows / 4][headLength][4]</param>
    /// <param name="scores">[rows][Page]</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Score<TRows>(float* queries, byte* keys, int headLength, float scale, float* scores, byte* ahead, nint step)
        where TRows : struct, IRowCount
    {
        ushort* scales = (ushort*)(keys + Page * headLength);
        for (int p = 0; p < Page; p += Columns)
        {
            TwoRows first = default, second = default, third = default, fourth = default;
            Vector512<float> s0 = default, s1 = default;
            float* query = queries;
            for (int i = 0, end; i < headLength;)
            {
                end = headLength;
                if (T.HasScales)
                {
                    ushort* block = scales + i / KvLayout.BlockLength * Page + p;
                    (s0, s1) = (HalfFloats.Load(block), HalfFloats.Load(block + Lanes));
                    end = i + KvLayout.BlockLength;
                }

                for (; i < end; i++, query += Quad, ahead += 2 * step)
                {
                    Vector512<float> k0 = T.LoadWide(keys, i * Page + p), k1 = T.LoadWide(keys, i * Page + p + Lanes);
                    if (T.HasScales)
                    {
                        k0 *= s0;
                        k1 *= s1;
                    }

                    first.Add(query, query + 1, k0, k1);
                    second.Add(query + 2, query + 3, k0, k1);
                    if (TRows.Count > Quad)
                    {
                        float* more = query + Quad * headLength;
                        third.Add(more, more + 1, k0, k1);
                        fourth.Add(more + 2, more + 3, k0, k1);
                    }

                    Sse.Prefetch0(ahead);
                    Sse.Prefetch0(ahead + step);
                }
            }

            float* at = scores + p;
            first.Store(at, at + Page, scale);
            second.Store(at + 2 * Page, at + 3 * Page, scale);
            if (TRows.Count > Quad)
            {
                third.Store(at + 4 * Page, at + 5 * Page, scale);
                fourth.Store(at + 6 * Page, at + 7 * Page, scale);
            }
        }
    }

    /// <summary>See <see cref="AttentionFold{T}.Add"/>.</summary>
    /// <param name="weights">[rows][Page]</param>
    /// <param name="output">As many as rows, of [headLength].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add<TRows>(float* weights, byte* values, float* scales, int from, int end, int headLength, float** output, byte* ahead, nint step)
        where TRows : struct, IRowCount
    {
        for (int c = 0; c < headLength; c += Columns)
        {
            TwoRows first = new(output[0] + c, output[1] + c), second = new(output[2] + c, output[3] + c), third = default, fourth = default;
            if (TRows.Count > Quad)
            {
                third = new(output[4] + c, output[5] + c);
                fourth = new(output[6] + c, output[7] + c);
            }

            float* scale = scales + (from * headLength + c) / KvLayout.BlockLength;
            int cell = from * headLength + c;
            for (float* weight = weights + from, last = weights + end; weight < last; weight++, cell += headLength, ahead += 2 * step)
            {
                Vector512<float> v0 = T.LoadWide(values, cell), v1 = T.LoadWide(values, cell + Lanes);
                if (T.HasScales)
                {
                    Vector512<float> s = Vector512.Create(*scale);
                    v0 *= s;
                    v1 *= s;
                    scale += headLength / KvLayout.BlockLength;
                }

                first.Add(weight, weight + Page, v0, v1);
                second.Add(weight + 2 * Page, weight + 3 * Page, v0, v1);
                if (TRows.Count > Quad)
                {
                    third.Add(weight + 4 * Page, weight + 5 * Page, v0, v1);
                    fourth.Add(weight + 6 * Page, weight + 7 * Page, v0, v1);
                }

                Sse.Prefetch0(ahead);
                Sse.Prefetch0(ahead + step);
            }

            first.Store(output[0] + c, output[1] + c, 1);
            second.Store(output[2] + c, output[3] + c, 1);
            if (TRows.Count > Quad)
            {
                third.Store(output[4] + c, output[5] + c, 1);
                fourth.Store(output[6] + c, output[7] + c, 1);
            }
        }
    }

    // 32 sums of each of two rows
    private struct TwoRows(float* a, float* b)
    {
        private Vector512<float> a0 = Vector512.Load(a), a1 = Vector512.Load(a + Lanes), b0 = Vector512.Load(b), b1 = Vector512.Load(b + Lanes);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(float* a, float* b, Vector512<float> low, Vector512<float> high)
        {
            // each from memory into all lanes, which costs no shuffle
            Vector512<float> factor = Vector512.Create(*a);
            a0 = Vector512.FusedMultiplyAdd(factor, low, a0);
            a1 = Vector512.FusedMultiplyAdd(factor, high, a1);
            factor = Vector512.Create(*b);
            b0 = Vector512.FusedMultiplyAdd(factor, low, b0);
            b1 = Vector512.FusedMultiplyAdd(factor, high, b1);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Store(float* a, float* b, float factor)
        {
            (a0 * factor).Store(a);
            (a1 * factor).Store(a + Lanes);
            (b0 * factor).Store(b);
            (b1 * factor).Store(b + Lanes);
        }
    }
}

/// <summary>How many rows a body is compiled for.</summary>
internal interface IRowCount
{
    static abstract int Count { get; }
}

internal readonly struct FourRows : IRowCount
{
    public static int Count => 4;
}

internal readonly struct EightRows : IRowCount
{
    public static int Count => 8;
}
