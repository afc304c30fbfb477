using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SmolCluster.Engine.Caching;

namespace SmolCluster.Engine.Kernels;

/// <summary>
/// The two products of attention over one page, for four rows (queries) that share its keys and values: each is loaded and
/// converted once for all four. Sixteen positions or columns at a time make eight sums of eight lanes, which with what
/// is loaded fill the sixteen registers of AVX2. A score is the chain of fused multiply-adds over the head's dimensions, first
/// to last; a column of the result is the chain over positions, first to last: no lane is added to another.
/// </summary>
internal static unsafe class AttentionFold<T>
    where T : struct, IKvCells
{
    private const int Page = KvLayout.PageLength, Rows = AttentionRows.Quad, Columns = 16;

    /// <summary>Scores of all positions of a page; those past the stored ones are of whatever lies there.</summary>
    /// <param name="queries">[headLength][4]</param>
    /// <param name="keys">[headLength][Page] cells, then [headLength / 32][Page] scales.</param>
    /// <param name="headLength">A multiple of 16, of 32 with scales.</param>
    /// <param name="scale">Multiplies each score.</param>
    /// <param name="scores">[4][Page]</param>
    /// <param name="ahead">Read soon: the processor is asked for it.</param>
    /// <param name="step">Bytes of it a round; 0: none.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Score(float* queries, byte* keys, int headLength, float scale, float* scores, byte* ahead, int step)
    {
        ushort* scales = (ushort*)(keys + Page * headLength);
        for (int p = 0; p < Page; p += Columns)
        {
            Vector256<float> a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default;
            Vector256<float> s0 = default, s1 = default;
            for (int i = 0, end; i < headLength;)
            {
                end = headLength;
                if (T.HasScales)
                {
                    Vector512<float> s = HalfFloats.Load(scales + i / KvLayout.BlockLength * Page + p);
                    (s0, s1) = (s.GetLower(), s.GetUpper());
                    end = i + KvLayout.BlockLength;
                }

                for (; i < end; i++, ahead += step)
                {
                    Vector256<float> k0 = T.Load(keys, i * Page + p), k1 = T.Load(keys, i * Page + p + 8);
                    if (T.HasScales)
                    {
                        k0 *= s0;
                        k1 *= s1;
                    }

                    Vector256<float> q = Vector256.Create(queries[i * Rows]);
                    a0 = Vector256.FusedMultiplyAdd(q, k0, a0);
                    a1 = Vector256.FusedMultiplyAdd(q, k1, a1);
                    q = Vector256.Create(queries[i * Rows + 1]);
                    b0 = Vector256.FusedMultiplyAdd(q, k0, b0);
                    b1 = Vector256.FusedMultiplyAdd(q, k1, b1);
                    q = Vector256.Create(queries[i * Rows + 2]);
                    c0 = Vector256.FusedMultiplyAdd(q, k0, c0);
                    c1 = Vector256.FusedMultiplyAdd(q, k1, c1);
                    q = Vector256.Create(queries[i * Rows + 3]);
                    d0 = Vector256.FusedMultiplyAdd(q, k0, d0);
                    d1 = Vector256.FusedMultiplyAdd(q, k1, d1);
                    Prefetch.Line(ahead);
                }
            }

            Vector256<float> factor = Vector256.Create(scale);
            float* at = scores + p;
            (a0 * factor).Store(at);
            (a1 * factor).Store(at + 8);
            (b0 * factor).Store(at + Page);
            (b1 * factor).Store(at + Page + 8);
            (c0 * factor).Store(at + 2 * Page);
            (c1 * factor).Store(at + 2 * Page + 8);
            (d0 * factor).Store(at + 3 * Page);
            (d1 * factor).Store(at + 3 * Page + 8);
        }
    }

    /// <summary>Adds the values from <paramref name="first"/> to before <paramref name="end"/>, each times its weight, to four rows' outputs.</summary>
    /// <param name="weights">[4][Page]</param>
    /// <param name="values">[Page][headLength] cells.</param>
    /// <param name="scales">[Page][headLength / 32] as F32, where there are any.</param>
    /// <param name="first">Of the page's positions.</param>
    /// <param name="end">Of the page's positions.</param>
    /// <param name="headLength">As above.</param>
    /// <param name="output">Four times [headLength].</param>
    /// <param name="ahead">As above.</param>
    /// <param name="step">As above.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* weights, byte* values, float* scales, int first, int end, int headLength, float** output, byte* ahead, int step)
    {
        for (int c = 0; c < headLength; c += Columns)
        {
            float* a = output[0] + c, b = output[1] + c, e = output[2] + c, d = output[3] + c;
            Vector256<float> a0 = Vector256.Load(a), a1 = Vector256.Load(a + 8), b0 = Vector256.Load(b), b1 = Vector256.Load(b + 8);
            Vector256<float> c0 = Vector256.Load(e), c1 = Vector256.Load(e + 8), d0 = Vector256.Load(d), d1 = Vector256.Load(d + 8);
            float* scale = scales + (first * headLength + c) / KvLayout.BlockLength;
            int cell = first * headLength + c;
            for (int j = first; j < end; j++, cell += headLength, ahead += step)
            {
                Vector256<float> v0 = T.Load(values, cell), v1 = T.Load(values, cell + 8);
                if (T.HasScales)
                {
                    Vector256<float> s = Vector256.Create(*scale);
                    v0 *= s;
                    v1 *= s;
                    scale += headLength / KvLayout.BlockLength;
                }

                Vector256<float> w = Vector256.Create(weights[j]);
                a0 = Vector256.FusedMultiplyAdd(w, v0, a0);
                a1 = Vector256.FusedMultiplyAdd(w, v1, a1);
                w = Vector256.Create(weights[j + Page]);
                b0 = Vector256.FusedMultiplyAdd(w, v0, b0);
                b1 = Vector256.FusedMultiplyAdd(w, v1, b1);
                w = Vector256.Create(weights[j + 2 * Page]);
                c0 = Vector256.FusedMultiplyAdd(w, v0, c0);
                c1 = Vector256.FusedMultiplyAdd(w, v1, c1);
                w = Vector256.Create(weights[j + 3 * Page]);
                d0 = Vector256.FusedMultiplyAdd(w, v0, d0);
                d1 = Vector256.FusedMultiplyAdd(w, v1, d1);
                Prefetch.Line(ahead);
            }

            a0.Store(a);
            a1.Store(a + 8);
            b0.Store(b);
            b1.Store(b + 8);
            c0.Store(e);
            c1.Store(e + 8);
            d0.Store(d);
            d1.Store(d + 8);
        }
    }

    /// <summary>The same for one row and the positions from <paramref name="first"/> to before <paramref name="end"/>: where four
    /// rows of a tile see different parts of its last page, or of the first in their windows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddOne(float* weights, byte* values, float* scales, int first, int end, int headLength, float* output)
    {
        for (int c = 0; c < headLength; c += 8)
        {
            Vector256<float> sum = Vector256.Load(output + c);
            for (int j = first; j < end; j++)
            {
                Vector256<float> v = T.Load(values, j * headLength + c);
                if (T.HasScales)
                {
                    v *= Vector256.Create(scales[(j * headLength + c) / KvLayout.BlockLength]);
                }

                sum = Vector256.FusedMultiplyAdd(Vector256.Create(weights[j]), v, sum);
            }

            sum.Store(output + c);
        }
    }
}
