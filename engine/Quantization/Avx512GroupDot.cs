using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>Sixteen rows in one register, times eight tokens: eight sums of 16 bits, eight of 32 bits, one register of weights. One
/// token alone waits for memory and takes <see cref="Avx2GroupDot"/>'s way.</summary>
internal readonly unsafe struct Avx512GroupDot : IGroupDot
{
    /// <summary>Quads of a tile.</summary>
    private const int MostQuads = 64;

    public static int Tokens => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply<T>(byte* weights, nint quads, short* scales, sbyte** tokens, nint quadSums, int* products, byte* ahead, nint aheadBytes)
        where T : struct, IGroupQuants
    {
        if (T.QuadsInHeadroom == 1)
        {
            EightSigned<T>(weights, quads, scales, tokens, products, ahead, aheadBytes);
        }
        else
        {
            EightUnsigned<T>(weights, quads, scales, tokens[0], tokens[1], tokens[2], tokens[3], tokens[4], tokens[5], tokens[6], tokens[7],
                quadSums, products, ahead, aheadBytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyOne<T>(byte* weights, nint quads, short* scales, sbyte* token, nint quadSums, int* products, byte* ahead, nint aheadBytes)
        where T : struct, IGroupQuants => Avx2GroupDot.MultiplyOne<T>(weights, quads, scales, token, quadSums, products, ahead, aheadBytes);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightUnsigned<T>(byte* weights, nint quads, short* scales, sbyte* p0, sbyte* p1, sbyte* p2, sbyte* p3,
        sbyte* p4, sbyte* p5, sbyte* p6, sbyte* p7, nint quadSums, int* products, byte* ahead, nint aheadBytes)
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

            for (nint at = q; at < q + T.QuadsAScale; at += T.QuadsInHeadroom)
            {
                Vector512<short> c0 = Begin<T>(p0 + quadSums + at), c1 = Begin<T>(p1 + quadSums + at), c2 = Begin<T>(p2 + quadSums + at);
                Vector512<short> c3 = Begin<T>(p3 + quadSums + at), c4 = Begin<T>(p4 + quadSums + at), c5 = Begin<T>(p5 + quadSums + at);
                Vector512<short> c6 = Begin<T>(p6 + quadSums + at), c7 = Begin<T>(p7 + quadSums + at);
                for (nint i = at; i < at + T.QuadsInHeadroom; i++)
                {
                    Vector512<byte> w = Vector512.Load(weights + i * 64);
                    c0 += Pairs(w, p0, i);
                    c1 += Pairs(w, p1, i);
                    c2 += Pairs(w, p2, i);
                    c3 += Pairs(w, p3, i);
                    c4 += Pairs(w, p4, i);
                    c5 += Pairs(w, p5, i);
                    c6 += Pairs(w, p6, i);
                    c7 += Pairs(w, p7, i);
                }

                s0 += Wide.MultiplyAddAdjacent(c0, scale);
                s1 += Wide.MultiplyAddAdjacent(c1, scale);
                s2 += Wide.MultiplyAddAdjacent(c2, scale);
                s3 += Wide.MultiplyAddAdjacent(c3, scale);
                s4 += Wide.MultiplyAddAdjacent(c4, scale);
                s5 += Wide.MultiplyAddAdjacent(c5, scale);
                s6 += Wide.MultiplyAddAdjacent(c6, scale);
                s7 += Wide.MultiplyAddAdjacent(c7, scale);
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
    private static void EightSigned<T>(byte* weights, nint quads, short* scales, sbyte** tokens, int* products, byte* ahead, nint aheadBytes)
        where T : struct, IGroupQuants
    {
        nint aheadStep = aheadBytes * T.QuadsAScale / quads;
        const int Step = 2 * MostQuads;
        int* wide = stackalloc int[8 * Step];
        for (int t = 0; t < 8; t++)
        {
            Widen(tokens[t], quads, wide + t * Step);
        }

        for (nint q = 0; q < quads; q += T.QuadsAScale, weights += T.Gap)
        {
            GroupLayout.Prefetch(ahead, aheadStep);
            ahead += aheadStep;
            Vector512<int> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
            for (nint at = 2 * q; at < 2 * (q + T.QuadsAScale); at += 2)
            {
                Vector512<short> odd = Vector512.Load((short*)weights + at * 16), even = (odd << 8) >> 8;
                odd >>= 8;
                int* pair = wide + at;
                s0 += WidePairs(even, odd, pair);
                s1 += WidePairs(even, odd, pair + Step);
                s2 += WidePairs(even, odd, pair + 2 * Step);
                s3 += WidePairs(even, odd, pair + 3 * Step);
                s4 += WidePairs(even, odd, pair + 4 * Step);
                s5 += WidePairs(even, odd, pair + 5 * Step);
                s6 += WidePairs(even, odd, pair + 6 * Step);
                s7 += WidePairs(even, odd, pair + 7 * Step);
            }

            Keep<T>(s0, s1, s2, s3, scales, q, products);
            Keep<T>(s4, s5, s6, s7, scales, q, products + 64);
        }
    }

    // sixteen rows' sums of two products each, of four columns
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Pairs(Vector512<byte> weights, sbyte* token, nint quad) =>
        Wide.MultiplyAddAdjacent(weights, Vector512.Create(((int*)token)[quad]).AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> WidePairs(Vector512<short> even, Vector512<short> odd, int* pair) =>
        Wide.MultiplyAddAdjacent(even, Vector512.Create(pair[0]).AsInt16()) + Wide.MultiplyAddAdjacent(odd, Vector512.Create(pair[1]).AsInt16());

    // Quads of columns to 16 bits: [quads][even columns, odd columns].
    private static void Widen(sbyte* token, nint quads, int* wide)
    {
        for (nint q = 0; q < quads; q += 8, wide += 16)
        {
            Vector256<short> bytes = Vector256.Load((short*)(token + q * 4));
            Vector256<int> even = ((bytes << 8) >> 8).AsInt32(), odd = (bytes >> 8).AsInt32();
            Vector256<int> first = Avx2.UnpackLow(even, odd), last = Avx2.UnpackHigh(even, odd);
            Avx2.Permute2x128(first, last, 0x20).Store(wide);
            Avx2.Permute2x128(first, last, 0x31).Store(wide + 8);
        }
    }

    // sums of 16 bits begin at what their offset will have added too much
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Begin<T>(sbyte* quadSums)
        where T : struct, IGroupQuants => T.GroupOffset == 0 ? default : Vector512.Create(*(int*)quadSums).AsInt16() * (short)-T.GroupOffset;

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
