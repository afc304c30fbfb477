using System.Runtime.Intrinsics.X86;
using SmolCluster.Engine.Caching;

namespace SmolCluster.Engine.Kernels;

/// <summary>
/// Causal attention over a paged cache with a running softmax: pages are folded first to last, positions within a page first
/// to last. What a token gets depends on its position and the cache alone, not on which other tokens are computed beside it.
/// A row is one token's one query head. Rows that share a key/value head go through a page by fours or eights, each key and value being
/// loaded and converted once for all of them (<see cref="AttentionFold{T}"/>, <see cref="WideAttentionFold{T}"/>). Pages before a window are passed over and stay in the cache, since
/// other layers see them; a row's chain of additions begins with the first position in its window.
/// Source: Milakov and Gimelshein 2018 (online normalizer); Dao et al. 2022.
/// </summary>
internal static unsafe class Attention
{
    private const int Page = KvLayout.PageLength;

    /// <summary>Floats of scratch for tiles of up to <paramref name="tokens"/> tokens with <paramref name="group"/> query
    /// heads a key/value head.</summary>
    public static int ScratchLength(int headLength, int tokens, int group) => AttentionRows.ScratchLength(headLength, tokens * group);

    /// <summary>One key/value head and the <paramref name="group"/> query heads that share it, for a tile of consecutive tokens.</summary>
    /// <param name="cache">Keys and values of positions up to the tile's last are stored.</param>
    /// <param name="form">What is particular to the layer.</param>
    /// <param name="layer">0-based.</param>
    /// <param name="kvHead">0-based.</param>
    /// <param name="group">Query heads a key/value head.</param>
    /// <param name="firstPosition">Position of the tile's first token.</param>
    /// <param name="tokens">Tokens in the tile.</param>
    /// <param name="queries">[tokens][stride]; query head g of the group starts at g · headLength.</param>
    /// <param name="output">[tokens][stride], laid out as the queries.</param>
    /// <param name="stride">Floats from a token to the next.</param>
    /// <param name="scratch">See <see cref="ScratchLength"/>; 64-byte aligned.</param>
    public static void Tile(KvSequence cache, AttentionForm form, int layer, int kvHead, int group, int firstPosition, int tokens,
        float* queries, float* output, int stride, float* scratch)
    {
        KvLayout layout = cache.Pool.Layout;
        var rows = new AttentionRows(form, layout.HeadLength, group, firstPosition, tokens, output, stride, scratch);
        switch (layout.Type)
        {
            case KvType.F16:
                Fold<F16Cells>(rows, cache, layer, kvHead, queries);
                break;
            case KvType.F32:
                Fold<F32Cells>(rows, cache, layer, kvHead, queries);
                break;
            default:
                Fold<Q8_0Cells>(rows, cache, layer, kvHead, queries);
                break;
        }
    }

    private static void Fold<T>(in AttentionRows rows, KvSequence cache, int layer, int kvHead, float* queries)
        where T : struct, IKvCells
    {
        KvLayout layout = cache.Pool.Layout;
        long keyOffset = layout.KeyOffset(layer, kvHead), valueOffset = layout.ValueOffset(layer, kvHead);
        rows.Begin(queries);
        for (int page = rows.FirstPage; page <= rows.LastPage; page++)
        {
            KvPage here = cache.PageAt(page);
            byte* next = page < rows.LastPage ? cache.Page(page + 1) + keyOffset : null;
            if (typeof(T) == typeof(F16Cells) && here.HoldsNoNumber)
            {
                FoldPage<F16OrNoNumberCells>(rows, page, here.Data + keyOffset, here.Data + valueOffset, next, layout);
            }
            else
            {
                FoldPage<T>(rows, page, here.Data + keyOffset, here.Data + valueOffset, next, layout);
            }
        }

        rows.End();
    }

    private static void FoldPage<T>(in AttentionRows rows, int page, byte* keys, byte* values, byte* next, KvLayout layout)
        where T : struct, IKvCells
    {
        int headLength = layout.HeadLength;
        if (T.HasScales)
        {
            rows.WidenScales(page, (ushort*)(values + Page * headLength));
        }

        // a page is gone through in 4 · headLength rounds; while the first rows do, what comes after it is fetched
        int step = (int)(layout.HeadBytes / (4 * headLength));
        bool wide = Avx512F.IsSupported && headLength % WideAttentionFold<T>.Columns == 0;
        float** output = stackalloc float*[AttentionRows.Most];
        for (int quad = 0, quads; quad < rows.Quads; quad += quads)
        {
            quads = wide && quad + 1 < rows.Quads ? 2 : 1;
            (int least, int most) = rows.VisibleOf(quad, quads, page);
            (int hidden, int mostHidden) = rows.HiddenOf(quad, quads, page);
            if (most <= hidden)
            {
                continue;
            }

            bool fetch = quad == 0;
            Score<T>(wide, quads, rows.Queries(quad), keys, headLength, rows.Scale, rows.Scores, fetch ? values : keys, fetch ? step : 0);
            if (rows.Cap != 0)
            {
                SoftCap.Apply(rows.Scores, quads * AttentionRows.Quad * Page, rows.Cap);
            }

            rows.Weigh(quad, quads, page, output);
            fetch &= next != null;
            // all of them see the positions from first to least; some see more before these, and some after them
            int first = Math.Min(mostHidden, least);
            for (int row = 0; row < quads * AttentionRows.Quad && first > hidden; row++)
            {
                AttentionFold<T>.AddOne(rows.Scores + row * Page, values, rows.ValueScales, rows.Hidden(quad * AttentionRows.Quad + row, page), first, headLength, output[row]);
            }

            Add<T>(wide, quads, rows.Scores, values, rows.ValueScales, first, least, headLength, output, fetch ? next : values, fetch ? step : 0);
            for (int row = 0; row < quads * AttentionRows.Quad && most > least; row++)
            {
                int at = quad * AttentionRows.Quad + row;
                AttentionFold<T>.AddOne(rows.Scores + row * Page, values, rows.ValueScales, Math.Max(least, rows.Hidden(at, page)), rows.Visible(at, page, 0), headLength, output[row]);
            }
        }
    }

    private static void Score<T>(bool wide, int quads, float* queries, byte* keys, int headLength, float scale, float* scores, byte* ahead, int step)
        where T : struct, IKvCells
    {
        if (!wide)
        {
            AttentionFold<T>.Score(queries, keys, headLength, scale, scores, ahead, step);
        }
        else if (quads == 1)
        {
            WideAttentionFold<T>.Score<FourRows>(queries, keys, headLength, scale, scores, ahead, step);
        }
        else
        {
            WideAttentionFold<T>.Score<EightRows>(queries, keys, headLength, scale, scores, ahead, step);
        }
    }

    private static void Add<T>(bool wide, int quads, float* weights, byte* values, float* scales, int first, int end, int headLength, float** output, byte* ahead, int step)
        where T : struct, IKvCells
    {
        if (!wide)
        {
            AttentionFold<T>.Add(weights, values, scales, first, end, headLength, output, ahead, step);
        }
        else if (quads == 1)
        {
            WideAttentionFold<T>.Add<FourRows>(weights, values, scales, first, end, headLength, output, ahead, step);
        }
        else
        {
            WideAttentionFold<T>.Add<EightRows>(weights, values, scales, first, end, headLength, output, ahead, step);
        }
    }
}
