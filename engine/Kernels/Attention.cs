using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SmolCluster.Engine.Caching;

namespace SmolCluster.Engine.Kernels;

/// <summary>
/// Causal attention over a paged cache with a running softmax: pages are folded first to last, positions within a page first
/// to last. What a token gets depends on its position and the cache alone, not on which other tokens are computed beside it.
/// Keys lie with their positions side by side, so that one register holds sixteen positions: a score is the chain of fused
/// multiply-adds over the head's dimensions, first to last, without a horizontal sum. A page of keys and values is widened to
/// F32 once for all tokens and query heads of a tile.
/// Source: Milakov and Gimelshein 2018 (online normalizer); Dao et al. 2022.
/// </summary>
internal static unsafe class Attention
{
    private const int Page = KvLayout.PageLength;

    /// <summary>Floats of scratch for tiles of up to <paramref name="tokens"/> tokens with <paramref name="group"/> query
    /// heads a key/value head.</summary>
    public static int ScratchLength(int headLength, int tokens, int group) => 2 * Page * headLength + Page + 2 * tokens * group;

    /// <summary>One key/value head and the <paramref name="group"/> query heads that share it, for a tile of consecutive tokens.</summary>
    /// <param name="cache">Keys and values of positions up to the tile's last are stored.</param>
    /// <param name="layer">0-based.</param>
    /// <param name="kvHead">0-based.</param>
    /// <param name="group">Query heads a key/value head.</param>
    /// <param name="firstPosition">Position of the tile's first token.</param>
    /// <param name="tokens">Tokens in the tile.</param>
    /// <param name="queries">[tokens][stride]; query head g of the group starts at g · headLength.</param>
    /// <param name="output">[tokens][stride], laid out as the queries.</param>
    /// <param name="stride">Floats from a token to the next.</param>
    /// <param name="scratch">See <see cref="ScratchLength"/>; 64-byte aligned.</param>
    public static void Tile(KvSequence cache, int layer, int kvHead, int group, int firstPosition, int tokens,
        float* queries, float* output, int stride, float* scratch)
    {
        KvLayout layout = cache.Pool.Layout;
        int headLength = layout.HeadLength;
        float scale = 1 / MathF.Sqrt(headLength);
        float* keys = scratch, values = keys + Page * headLength, scores = values + Page * headLength;
        float* largest = scores + Page, sums = largest + tokens * group;
        for (int i = 0; i < tokens * group; i++)
        {
            largest[i] = float.NegativeInfinity;
            sums[i] = 0;
        }

        for (int t = 0; t < tokens; t++)
        {
            new Span<float>(output + (long)t * stride, group * headLength).Clear();
        }

        int lastPage = (firstPosition + tokens - 1) / Page;
        for (int page = 0; page <= lastPage; page++)
        {
            int stored = Math.Min(Page, firstPosition + tokens - page * Page);
            float* k = Widen(layout, cache.Page(page) + layout.KeyOffset(layer, kvHead), Page * headLength, keys);
            float* v = Widen(layout, cache.Page(page) + layout.ValueOffset(layer, kvHead), stored * headLength, values);
            for (int t = Math.Max(0, page * Page - firstPosition); t < tokens; t++)
            {
                int visible = Math.Min(Page, firstPosition + t + 1 - page * Page);
                for (int g = 0; g < group; g++)
                {
                    long at = (long)t * stride + g * headLength;
                    FoldPage(queries + at, k, v, visible, headLength, scale, scores, output + at,
                        ref largest[t * group + g], ref sums[t * group + g]);
                }
            }
        }

        for (int t = 0; t < tokens; t++)
        {
            for (int g = 0; g < group; g++)
            {
                Multiply(output + (long)t * stride + g * headLength, 1 / sums[t * group + g], headLength);
            }
        }
    }

    // keys: [headLength][Page], values: [Page][headLength]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FoldPage(float* query, float* keys, float* values, int count, int headLength, float scale,
        float* scores, float* output, ref float largest, ref float sum)
    {
        Score(query, keys, headLength, scale, scores);
        float max = largest;
        for (int j = 0; j < count; j++)
        {
            max = MathF.Max(max, scores[j]);
        }

        if (max > largest && sum != 0)
        {
            float shrink = ExactMath.Exp(largest - max);
            sum *= shrink;
            Multiply(output, shrink, headLength);
        }

        largest = max;
        Vector512<float> shift = Vector512.Create(max);
        for (int j = 0; j < count; j += Lanes.Count)
        {
            ExactMath.Exp(Vector512.Load(scores + j) - shift).Store(scores + j);
        }

        for (int j = 0; j < count; j++)
        {
            sum += scores[j];
        }

        int i = 0;
        for (; i + 4 * Lanes.Count <= headLength; i += 4 * Lanes.Count)
        {
            AddValues4(scores, values + i, count, headLength, output + i);
        }

        for (; i < headLength; i += Lanes.Count)
        {
            Vector512<float> column = Vector512.Load(output + i);
            for (int j = 0; j < count; j++)
            {
                column = Vector512.FusedMultiplyAdd(Vector512.Create(scores[j]), Vector512.Load(values + j * headLength + i), column);
            }

            column.Store(output + i);
        }
    }

    // scores of all positions of a page, four registers of sixteen; what lies past the stored positions is not read again
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Score(float* query, float* keys, int headLength, float scale, float* scores)
    {
        Vector512<float> a = default, b = default, c = default, d = default;
        for (int i = 0; i < headLength; i++, keys += Page)
        {
            Vector512<float> q = Vector512.Create(query[i]);
            a = Vector512.FusedMultiplyAdd(q, Vector512.Load(keys), a);
            b = Vector512.FusedMultiplyAdd(q, Vector512.Load(keys + 16), b);
            c = Vector512.FusedMultiplyAdd(q, Vector512.Load(keys + 32), c);
            d = Vector512.FusedMultiplyAdd(q, Vector512.Load(keys + 48), d);
        }

        Vector512<float> s = Vector512.Create(scale);
        (a * s).Store(scores);
        (b * s).Store(scores + 16);
        (c * s).Store(scores + 32);
        (d * s).Store(scores + 48);
    }

    // 64 columns at once: four chains of additions, each over the positions first to last
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddValues4(float* weights, float* values, int count, int headLength, float* output)
    {
        Vector512<float> a = Vector512.Load(output), b = Vector512.Load(output + 16);
        Vector512<float> c = Vector512.Load(output + 32), d = Vector512.Load(output + 48);
        for (int j = 0; j < count; j++, values += headLength)
        {
            Vector512<float> w = Vector512.Create(weights[j]);
            a = Vector512.FusedMultiplyAdd(w, Vector512.Load(values), a);
            b = Vector512.FusedMultiplyAdd(w, Vector512.Load(values + 16), b);
            c = Vector512.FusedMultiplyAdd(w, Vector512.Load(values + 32), c);
            d = Vector512.FusedMultiplyAdd(w, Vector512.Load(values + 48), d);
        }

        a.Store(output);
        b.Store(output + 16);
        c.Store(output + 32);
        d.Store(output + 48);
    }

    private static void Multiply(float* x, float factor, int count)
    {
        Vector512<float> f = Vector512.Create(factor);
        for (int i = 0; i < count; i += Lanes.Count)
        {
            (Vector512.Load(x + i) * f).Store(x + i);
        }
    }

    private static float* Widen(KvLayout layout, byte* source, int count, float* destination)
    {
        if (layout.Type == KvType.F32)
        {
            return (float*)source;
        }

        for (int i = 0; i < count; i += Lanes.Count)
        {
            HalfFloats.Load((ushort*)source + i).Store(destination + i);
        }

        return destination;
    }
}
