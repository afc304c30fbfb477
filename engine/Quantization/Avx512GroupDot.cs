using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>Sixteen rows in one register, times eight tokens: eight sums of 16 bits, eight of 32 bits, one register of weights. The
/// multiplier takes two instructions a cycle and a product of 64 pairs is two, so what else there is has to be rare: the first product
/// of a scale is not added to anything, and tokens are read by one pointer. Up to four tokens take <see cref="Avx2GroupDot"/>'s way: half
/// the work; one alone waits for memory.</summary>
internal readonly unsafe struct Avx512GroupDot : IGroupDot
{
    /// <summary>Quads of a tile.</summary>
    private const int MostQuads = 64;

    private const int HalfAnOctet = 4;

    public static bool Exists => true;

    public static bool Wide => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply<T>(byte* weights, nint quads, short* scales, sbyte* octet, int tokens, int* quadSums, int* products, byte* ahead, nint aheadBytes)
        where T : struct, IGroupQuants
    {
        if (tokens <= HalfAnOctet)
        {
            Avx2GroupDot.Multiply<T>(weights, quads, scales, octet, tokens, quadSums, products, ahead, aheadBytes);
        }
        else if (T.QuadsInHeadroom == 1)
        {
            EightSigned<T>(weights, quads, scales, octet, products, ahead, aheadBytes);
        }
        else
        {
            EightUnsigned<T>(weights, quads, scales, octet, quadSums, products, ahead, aheadBytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyOne<T>(byte* weights, nint quads, short* scales, sbyte* token, int* quadSums, int* products, byte* ahead, nint aheadBytes)
        where T : struct, IGroupQuants => Avx2GroupDot.MultiplyOne<T>(weights, quads, scales, token, quadSums, products, ahead, aheadBytes);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightUnsigned<T>(byte* weights, nint quads, short* scales, sbyte* octet, int* quadSums, int* products, byte* ahead, nint aheadBytes)
        where T : struct, IGroupQuants
    {
        nint aheadStep = aheadBytes * T.QuadsAScale / quads;
        Vector512<short> scale = Vector512<short>.One;
        Vector512<int> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        for (nint q = 0; q < quads; q += T.QuadsAScale)
        {
            GroupLayout.Prefetch(ahead, aheadStep);
            ahead += aheadStep;
            if (T.IntegerScales)
            {
                scale = Vector512.Load(scales + q / T.QuadsAScale * 32);
            }

            for (nint at = q; at < q + T.QuadsAScale; at += T.QuadsInHeadroom, quadSums += Octets.Tokens)
            {
                Vector512<byte> w = Vector512.Load(weights);
                Vector512<short> c0 = First<T>(w, octet, quadSums), c1 = First<T>(w, octet + 4, quadSums + 1), c2 = First<T>(w, octet + 8, quadSums + 2);
                Vector512<short> c3 = First<T>(w, octet + 12, quadSums + 3), c4 = First<T>(w, octet + 16, quadSums + 4), c5 = First<T>(w, octet + 20, quadSums + 5);
                Vector512<short> c6 = First<T>(w, octet + 24, quadSums + 6), c7 = First<T>(w, octet + 28, quadSums + 7);
                Quad(weights + 64, octet + 32, ref c0, ref c1, ref c2, ref c3, ref c4, ref c5, ref c6, ref c7);
                weights += 128;
                octet += 64;
                for (nint i = 2; i < T.QuadsInHeadroom; i += 2, weights += 128, octet += 64)
                {
                    Quad(weights, octet, ref c0, ref c1, ref c2, ref c3, ref c4, ref c5, ref c6, ref c7);
                    Quad(weights + 64, octet + 32, ref c0, ref c1, ref c2, ref c3, ref c4, ref c5, ref c6, ref c7);
                }

                s0 += WideMath.MultiplyAddAdjacent(c0, scale);
                s1 += WideMath.MultiplyAddAdjacent(c1, scale);
                s2 += WideMath.MultiplyAddAdjacent(c2, scale);
                s3 += WideMath.MultiplyAddAdjacent(c3, scale);
                s4 += WideMath.MultiplyAddAdjacent(c4, scale);
                s5 += WideMath.MultiplyAddAdjacent(c5, scale);
                s6 += WideMath.MultiplyAddAdjacent(c6, scale);
                s7 += WideMath.MultiplyAddAdjacent(c7, scale);
            }

            if (!T.IntegerScales)
            {
                Store(s0, s1, s2, s3, products + q / T.QuadsAScale * 128);
                Store(s4, s5, s6, s7, products + q / T.QuadsAScale * 128 + 64);
                s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = default;
            }
        }

        if (T.IntegerScales)
        {
            Store(s0, s1, s2, s3, products);
            Store(s4, s5, s6, s7, products + 64);
        }
    }

    // signed weights leave no headroom in 16 bits, and AVX-512 has no instruction that moves a sign: even and odd columns in 32 bits
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightSigned<T>(byte* weights, nint quads, short* scales, sbyte* octet, int* products, byte* ahead, nint aheadBytes)
        where T : struct, IGroupQuants
    {
        nint aheadStep = aheadBytes * T.QuadsAScale / quads;
        int* wide = stackalloc int[MostQuads * 2 * Octets.Tokens];
        WidenPairs(octet, quads, wide);
        for (nint q = 0; q < quads; q += T.QuadsAScale, weights += T.Gap)
        {
            GroupLayout.Prefetch(ahead, aheadStep);
            ahead += aheadStep;
            Vector512<int> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
            for (byte* end = weights + T.QuadsAScale * 64; weights < end; weights += 64, wide += 16)
            {
                Vector512<short> odd = Vector512.Load((short*)weights), even = (odd << 8) >> 8;
                odd >>= 8;
                s0 += WidePairs(even, odd, wide);
                s1 += WidePairs(even, odd, wide + 2);
                s2 += WidePairs(even, odd, wide + 4);
                s3 += WidePairs(even, odd, wide + 6);
                s4 += WidePairs(even, odd, wide + 8);
                s5 += WidePairs(even, odd, wide + 10);
                s6 += WidePairs(even, odd, wide + 12);
                s7 += WidePairs(even, odd, wide + 14);
            }

            Keep<T>(s0, s1, s2, s3, scales, q, products);
            Keep<T>(s4, s5, s6, s7, scales, q, products + 64);
        }
    }

    // four columns of sixteen rows, times eight tokens
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quad(byte* weights, sbyte* octet, ref Vector512<short> c0, ref Vector512<short> c1, ref Vector512<short> c2, ref Vector512<short> c3,
        ref Vector512<short> c4, ref Vector512<short> c5, ref Vector512<short> c6, ref Vector512<short> c7)
    {
        Vector512<byte> w = Vector512.Load(weights);
        c0 += Pairs(w, octet);
        c1 += Pairs(w, octet + 4);
        c2 += Pairs(w, octet + 8);
        c3 += Pairs(w, octet + 12);
        c4 += Pairs(w, octet + 16);
        c5 += Pairs(w, octet + 20);
        c6 += Pairs(w, octet + 24);
        c7 += Pairs(w, octet + 28);
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> WidePairs(Vector512<short> even, Vector512<short> odd, int* pair) =>
        WideMath.MultiplyAddAdjacent(even, Vector512.Create(pair[0]).AsInt16()) + WideMath.MultiplyAddAdjacent(odd, Vector512.Create(pair[1]).AsInt16());

    // An octet's quads to 16 bits: [quads][8 tokens][even columns, odd columns].
    private static void WidenPairs(sbyte* octet, nint quads, int* wide)
    {
        var evenFirst = Vector128.Create((byte)0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15);
        Vector256<byte> order = Vector256.Create(evenFirst, evenFirst);
        for (sbyte* end = octet + quads * 32; octet < end; octet += 32, wide += 16)
        {
            WideMath.Widen(Avx2.Shuffle(Vector256.Load((byte*)octet), order).AsSByte()).Store((short*)wide);
        }
    }

    // what one scale's columns gave: times the scale to the sums before, or for itself
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep<T>(Vector512<int> a, Vector512<int> b, Vector512<int> c, Vector512<int> d, short* scales, nint q, int* products)
        where T : struct, IGroupQuants
    {
        if (!T.IntegerScales)
        {
            Store(a, b, c, d, products + q / T.QuadsAScale * 128);
            return;
        }

        Vector512<int> scale = (Vector512.Load((int*)(scales + q / T.QuadsAScale * 32)) << 16) >> 16;
        (a, b, c, d) = (a * scale, b * scale, c * scale, d * scale);
        if (q != 0)
        {
            a += Vector512.Load(products);
            b += Vector512.Load(products + 16);
            c += Vector512.Load(products + 32);
            d += Vector512.Load(products + 48);
        }

        Store(a, b, c, d, products);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<int> a, Vector512<int> b, Vector512<int> c, Vector512<int> d, int* sums)
    {
        a.Store(sums);
        b.Store(sums + 16);
        c.Store(sums + 32);
        d.Store(sums + 48);
    }
}
