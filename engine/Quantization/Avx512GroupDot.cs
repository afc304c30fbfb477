using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>Sixteen rows in one register, times eight tokens: eight sums of 16 bits, eight of 32 bits, one register of weights. The
/// multiplier takes two instructions a cycle and a product of 64 pairs is two, so what else there is has to be rare: the first product
/// of a scale is not added to anything, and tokens are read by one pointer. Up to four tokens are computed as four, one as one.</summary>
internal readonly unsafe struct Avx512GroupDot : IGroupDot
{
    /// <summary>Quads of a tile.</summary>
    private const int MostQuads = 64;

    public static bool Exists => true;

    public static bool Wide => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply<T>(byte* weights, nint quads, short* scales, sbyte* octet, int tokens, int* quadSums, int* products, byte* ahead, nint aheadStep)
        where T : struct, IGroupQuants
    {
        if (tokens <= FourTokens.Count)
        {
            Some<T, FourTokens>(weights, quads, scales, octet, quadSums, products, ahead, aheadStep);
        }
        else
        {
            Some<T, EightTokens>(weights, quads, scales, octet, quadSums, products, ahead, aheadStep);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyOne<T>(byte* weights, nint quads, short* scales, sbyte* token, int* quadSums, int* products, byte* ahead, nint aheadStep)
        where T : struct, IGroupQuants => Some<T, OneToken>(weights, quads, scales, token, quadSums, products, ahead, aheadStep);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Some<T, TTokens>(byte* weights, nint quads, short* scales, sbyte* tokens, int* quadSums, int* products, byte* ahead, nint aheadStep)
        where T : struct, IGroupQuants
        where TTokens : struct, ITokenCount
    {
        if (T.QuadsInHeadroom == 1)
        {
            Signed<T, TTokens>(weights, quads, scales, tokens, products, ahead, aheadStep);
        }
        else
        {
            Unsigned<T, TTokens>(weights, quads, scales, tokens, quadSums, products, ahead, aheadStep);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Unsigned<T, TTokens>(byte* weights, nint quads, short* scales, sbyte* tokens, int* quadSums, int* products, byte* ahead, nint aheadStep)
        where T : struct, IGroupQuants
        where TTokens : struct, ITokenCount
    {
        Vector512<short> scale = Vector512<short>.One;
        Vector512<int> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        for (nint q = 0; q < quads; q += T.QuadsAScale)
        {
            GroupLayout.Prefetch(ahead, aheadStep);
            ahead += aheadStep;
            if (TTokens.Count > FourTokens.Count)
            {
                Octets.PrefetchNext<T>(tokens);
            }

            if (T.IntegerScales)
            {
                scale = Vector512.Load(scales + q / T.QuadsAScale * 32);
            }

            for (nint at = q; at < q + T.QuadsAScale; at += T.QuadsInHeadroom, quadSums += TTokens.Apart)
            {
                Vector512<short> c0, c1 = default, c2 = default, c3 = default, c4 = default, c5 = default, c6 = default, c7 = default;
                Vector512<byte> w = Vector512.Load(weights);
                c0 = First<T>(w, tokens, quadSums);
                if (TTokens.Count > OneToken.Count)
                {
                    (c1, c2, c3) = (First<T>(w, tokens + 4, quadSums + 1), First<T>(w, tokens + 8, quadSums + 2), First<T>(w, tokens + 12, quadSums + 3));
                }

                if (TTokens.Count > FourTokens.Count)
                {
                    (c4, c5) = (First<T>(w, tokens + 16, quadSums + 4), First<T>(w, tokens + 20, quadSums + 5));
                    (c6, c7) = (First<T>(w, tokens + 24, quadSums + 6), First<T>(w, tokens + 28, quadSums + 7));
                }

                Quad<TTokens>(weights + 64, tokens + 4 * TTokens.Apart, ref c0, ref c1, ref c2, ref c3, ref c4, ref c5, ref c6, ref c7);
                weights += 128;
                tokens += 8 * TTokens.Apart;
                for (nint i = 2; i < T.QuadsInHeadroom; i += 2, weights += 128, tokens += 8 * TTokens.Apart)
                {
                    Quad<TTokens>(weights, tokens, ref c0, ref c1, ref c2, ref c3, ref c4, ref c5, ref c6, ref c7);
                    Quad<TTokens>(weights + 64, tokens + 4 * TTokens.Apart, ref c0, ref c1, ref c2, ref c3, ref c4, ref c5, ref c6, ref c7);
                }

                s0 = Scaled<T>(s0, c0, scale);
                if (TTokens.Count > OneToken.Count)
                {
                    s1 = Scaled<T>(s1, c1, scale);
                    s2 = Scaled<T>(s2, c2, scale);
                    s3 = Scaled<T>(s3, c3, scale);
                }

                if (TTokens.Count > FourTokens.Count)
                {
                    s4 = Scaled<T>(s4, c4, scale);
                    s5 = Scaled<T>(s5, c5, scale);
                    s6 = Scaled<T>(s6, c6, scale);
                    s7 = Scaled<T>(s7, c7, scale);
                }
            }

            if (!T.IntegerScales)
            {
                Store<TTokens>(s0, s1, s2, s3, s4, s5, s6, s7, products + q / T.QuadsAScale * TTokens.Apart * 16);
                s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = default;
            }
        }

        if (T.IntegerScales)
        {
            Store<TTokens>(s0, s1, s2, s3, s4, s5, s6, s7, products);
        }
    }

    // signed weights leave no headroom in 16 bits, and AVX-512 has no instruction that moves a sign: even and odd columns in 32 bits
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Signed<T, TTokens>(byte* weights, nint quads, short* scales, sbyte* tokens, int* products, byte* ahead, nint aheadStep)
        where T : struct, IGroupQuants
        where TTokens : struct, ITokenCount
    {
        int* wide = stackalloc int[MostQuads * 2 * TTokens.Apart + 16];
        WidenPairs(tokens, quads * TTokens.Apart * 4, wide);
        for (nint q = 0; q < quads; q += T.QuadsAScale, weights += T.Gap)
        {
            GroupLayout.Prefetch(ahead, aheadStep);
            ahead += aheadStep;
            if (TTokens.Count > FourTokens.Count)
            {
                Octets.PrefetchNext<T>(tokens + q * TTokens.Apart * 4);
            }

            Vector512<int> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
            int* pair = wide + q * TTokens.Apart * 2;
            for (byte* end = weights + T.QuadsAScale * 64; weights < end; weights += 64, pair += 2 * TTokens.Apart)
            {
                Vector512<short> odd = Vector512.Load((short*)weights), even = (odd << 8) >> 8;
                odd >>= 8;
                s0 += WidePairs(even, odd, pair);
                if (TTokens.Count > OneToken.Count)
                {
                    s1 += WidePairs(even, odd, pair + 2);
                    s2 += WidePairs(even, odd, pair + 4);
                    s3 += WidePairs(even, odd, pair + 6);
                }

                if (TTokens.Count > FourTokens.Count)
                {
                    s4 += WidePairs(even, odd, pair + 8);
                    s5 += WidePairs(even, odd, pair + 10);
                    s6 += WidePairs(even, odd, pair + 12);
                    s7 += WidePairs(even, odd, pair + 14);
                }
            }

            if (!T.IntegerScales)
            {
                Store<TTokens>(s0, s1, s2, s3, s4, s5, s6, s7, products + q / T.QuadsAScale * TTokens.Apart * 16);
                continue;
            }

            Vector512<int> scale = (Vector512.Load((int*)(scales + q / T.QuadsAScale * 32)) << 16) >> 16;
            Keep<TTokens>(s0 * scale, s1 * scale, s2 * scale, s3 * scale, s4 * scale, s5 * scale, s6 * scale, s7 * scale, q == 0, products);
        }
    }

    // four columns of sixteen rows, times the tokens
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quad<TTokens>(byte* weights, sbyte* tokens, ref Vector512<short> c0, ref Vector512<short> c1, ref Vector512<short> c2, ref Vector512<short> c3,
        ref Vector512<short> c4, ref Vector512<short> c5, ref Vector512<short> c6, ref Vector512<short> c7)
        where TTokens : struct, ITokenCount
    {
        Vector512<byte> w = Vector512.Load(weights);
        c0 += Pairs(w, tokens);
        if (TTokens.Count > OneToken.Count)
        {
            c1 += Pairs(w, tokens + 4);
            c2 += Pairs(w, tokens + 8);
            c3 += Pairs(w, tokens + 12);
        }

        if (TTokens.Count > FourTokens.Count)
        {
            c4 += Pairs(w, tokens + 16);
            c5 += Pairs(w, tokens + 20);
            c6 += Pairs(w, tokens + 24);
            c7 += Pairs(w, tokens + 28);
        }
    }

    // sixteen rows' sums of two products each, of four columns
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Pairs(Vector512<byte> weights, sbyte* token) =>
        WideMath.MultiplyAddAdjacent(weights, Vector512.Create(*(int*)token).AsSByte());

    // the first of a sum, which begins at what the quants' offset will have added too much
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> First<T>(Vector512<byte> weights, sbyte* token, int* quadSums)
        where T : struct, IGroupQuants => T.GroupOffset == 0
            ? Pairs(weights, token)
            : Pairs(weights, token) + Vector512.Create(*quadSums).AsInt16() * (short)-T.GroupOffset;

    // sums of 16 bits times their scale, to those of the same scale before, of which there may be none
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Scaled<T>(Vector512<int> before, Vector512<short> sums, Vector512<short> scale)
        where T : struct, IGroupQuants => !T.IntegerScales && T.QuadsInHeadroom == T.QuadsAScale
            ? WideMath.MultiplyAddAdjacent(sums, scale)
            : before + WideMath.MultiplyAddAdjacent(sums, scale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> WidePairs(Vector512<short> even, Vector512<short> odd, int* pair) =>
        WideMath.MultiplyAddAdjacent(even, Vector512.Create(pair[0]).AsInt16()) + WideMath.MultiplyAddAdjacent(odd, Vector512.Create(pair[1]).AsInt16());

    // Tokens' quads to 16 bits: [quads][tokens][even columns, odd columns].
    private static void WidenPairs(sbyte* tokens, nint bytes, int* wide)
    {
        var evenFirst = Vector128.Create((byte)0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15);
        Vector256<byte> order = Vector256.Create(evenFirst, evenFirst);
        for (sbyte* end = tokens + bytes; tokens < end; tokens += 32, wide += 16)
        {
            WideMath.Widen(Avx2.Shuffle(Vector256.Load((byte*)tokens), order).AsSByte()).Store((short*)wide);
        }
    }

    // what one scale's columns gave, to what the scales before it gave
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep<TTokens>(Vector512<int> a, Vector512<int> b, Vector512<int> c, Vector512<int> d,
        Vector512<int> e, Vector512<int> f, Vector512<int> g, Vector512<int> h, bool first, int* products)
        where TTokens : struct, ITokenCount
    {
        if (!first)
        {
            a += Vector512.Load(products);
            if (TTokens.Count > OneToken.Count)
            {
                b += Vector512.Load(products + 16);
                c += Vector512.Load(products + 32);
                d += Vector512.Load(products + 48);
            }

            if (TTokens.Count > FourTokens.Count)
            {
                e += Vector512.Load(products + 64);
                f += Vector512.Load(products + 80);
                g += Vector512.Load(products + 96);
                h += Vector512.Load(products + 112);
            }
        }

        Store<TTokens>(a, b, c, d, e, f, g, h, products);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TTokens>(Vector512<int> a, Vector512<int> b, Vector512<int> c, Vector512<int> d,
        Vector512<int> e, Vector512<int> f, Vector512<int> g, Vector512<int> h, int* sums)
        where TTokens : struct, ITokenCount
    {
        a.Store(sums);
        if (TTokens.Count > OneToken.Count)
        {
            b.Store(sums + 16);
            c.Store(sums + 32);
            d.Store(sums + 48);
        }

        if (TTokens.Count > FourTokens.Count)
        {
            e.Store(sums + 64);
            f.Store(sums + 80);
            g.Store(sums + 96);
            h.Store(sums + 112);
        }
    }
}
