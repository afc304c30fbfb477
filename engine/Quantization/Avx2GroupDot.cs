using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>Sixteen rows in two registers of eight, times four tokens: eight sums, the weights, one activation and one product fill
/// twelve of the sixteen registers. Sums of 32 bits, touched once a scale, lie in the first-level cache. Bound by the instructions
/// decoded, hence unrolled: 2.75 a product of 32 pairs, of which the multiplier takes one every half cycle.</summary>
internal readonly unsafe struct Avx2GroupDot : IGroupDot
{
    /// <summary>Tokens at a time.</summary>
    private const int Four = 4;

    /// <summary>Bytes from a quad of a token to its next.</summary>
    private const int Apart = Octets.Tokens * 4;

    public static bool Exists => true;

    public static bool Wide => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply<T>(byte* weights, nint quads, short* scales, sbyte* octet, int tokens, int* quadSums, int* products, byte* ahead, nint aheadStep)
        where T : struct, IGroupQuants
    {
        for (int t = 0; t < tokens; t += Four, octet += 4 * Four, quadSums += Four, products += Four * GroupLayout.Rows, aheadStep = 0)
        {
            if (T.QuadsInHeadroom == 1)
            {
                FourSigned<T>(weights, quads, scales, octet, products, ahead, aheadStep);
            }
            else
            {
                FourUnsigned<T>(weights, quads, scales, octet, quadSums, products, ahead, aheadStep);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyOne<T>(byte* weights, nint quads, short* scales, sbyte* token, int* quadSums, int* products, byte* ahead, nint aheadStep)
        where T : struct, IGroupQuants
    {
        if (T.QuadsInHeadroom == 1)
        {
            OneSigned<T>(weights, quads, scales, token, products, ahead, aheadStep);
        }
        else
        {
            OneUnsigned<T>(weights, quads, scales, token, quadSums, products, ahead, aheadStep);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourUnsigned<T>(byte* weights, nint quads, short* scales, sbyte* four, int* quadSums, int* products, byte* ahead, nint aheadStep)
        where T : struct, IGroupQuants
    {
        aheadStep = aheadStep * T.QuadsInHeadroom / T.QuadsAScale;
        Vector256<short> low = Vector256<short>.One, high = low;
        for (nint q = 0; q < quads; q += T.QuadsInHeadroom, quadSums += Octets.Tokens)
        {
            Vector256<short> l0 = Begin<T>(quadSums), l1 = Begin<T>(quadSums + 1), l2 = Begin<T>(quadSums + 2), l3 = Begin<T>(quadSums + 3);
            Vector256<short> h0 = l0, h1 = l1, h2 = l2, h3 = l3;
            for (nint at = 0; at < T.QuadsInHeadroom; at += 2, weights += 128, four += 2 * Apart)
            {
                Quad(weights, four, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
                Quad(weights + 64, four + Apart, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
            }

            GroupLayout.Prefetch(ahead, aheadStep);
            ahead += aheadStep;
            if (T.IntegerScales)
            {
                low = Vector256.Load(scales + q / T.QuadsAScale * 32);
                high = Vector256.Load(scales + q / T.QuadsAScale * 32 + 16);
            }

            bool first = T.IntegerScales ? q == 0 : q % T.QuadsAScale == 0;
            int* sums = T.IntegerScales ? products : products + q / T.QuadsAScale * 128;
            if (first)
            {
                Store(Avx2.MultiplyAddAdjacent(l0, low), Avx2.MultiplyAddAdjacent(h0, high), sums);
                Store(Avx2.MultiplyAddAdjacent(l1, low), Avx2.MultiplyAddAdjacent(h1, high), sums + 16);
                Store(Avx2.MultiplyAddAdjacent(l2, low), Avx2.MultiplyAddAdjacent(h2, high), sums + 32);
                Store(Avx2.MultiplyAddAdjacent(l3, low), Avx2.MultiplyAddAdjacent(h3, high), sums + 48);
            }
            else
            {
                Add(Avx2.MultiplyAddAdjacent(l0, low), Avx2.MultiplyAddAdjacent(h0, high), sums);
                Add(Avx2.MultiplyAddAdjacent(l1, low), Avx2.MultiplyAddAdjacent(h1, high), sums + 16);
                Add(Avx2.MultiplyAddAdjacent(l2, low), Avx2.MultiplyAddAdjacent(h2, high), sums + 32);
                Add(Avx2.MultiplyAddAdjacent(l3, low), Avx2.MultiplyAddAdjacent(h3, high), sums + 48);
            }
        }
    }

    // signed weights leave no headroom in 16 bits: their size times the activation with their sign, scaled and summed in 32 bits
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourSigned<T>(byte* weights, nint quads, short* scales, sbyte* four, int* products, byte* ahead, nint aheadStep)
        where T : struct, IGroupQuants
    {
        Vector256<short> lowScale = Vector256<short>.One, highScale = lowScale;
        Vector256<int> l0 = default, h0 = default, l1 = default, h1 = default, l2 = default, h2 = default, l3 = default, h3 = default;
        for (nint q = 0; q < quads; q += T.QuadsAScale, weights += T.Gap)
        {
            GroupLayout.Prefetch(ahead, aheadStep);
            ahead += aheadStep;
            if (T.IntegerScales)
            {
                lowScale = Vector256.Load(scales + q / T.QuadsAScale * 32);
                highScale = Vector256.Load(scales + q / T.QuadsAScale * 32 + 16);
            }

            for (byte* end = weights + T.QuadsAScale * 64; weights < end; weights += 64, four += Apart)
            {
                Vector256<sbyte> low = Vector256.Load((sbyte*)weights), high = Vector256.Load((sbyte*)weights + 32);
                Vector256<byte> lowSize = Avx2.Abs(low), highSize = Avx2.Abs(high);
                Vector256<sbyte> a = Spread(four);
                l0 += Signed(lowSize, low, a, lowScale);
                h0 += Signed(highSize, high, a, highScale);
                a = Spread(four + 4);
                l1 += Signed(lowSize, low, a, lowScale);
                h1 += Signed(highSize, high, a, highScale);
                a = Spread(four + 8);
                l2 += Signed(lowSize, low, a, lowScale);
                h2 += Signed(highSize, high, a, highScale);
                a = Spread(four + 12);
                l3 += Signed(lowSize, low, a, lowScale);
                h3 += Signed(highSize, high, a, highScale);
            }

            if (!T.IntegerScales || q + T.QuadsAScale == quads)
            {
                int* sums = T.IntegerScales ? products : products + q / T.QuadsAScale * 128;
                Store(l0, h0, sums);
                Store(l1, h1, sums + 16);
                Store(l2, h2, sums + 32);
                Store(l3, h3, sums + 48);
                l0 = h0 = l1 = h1 = l2 = h2 = l3 = h3 = default;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneUnsigned<T>(byte* weights, nint quads, short* scales, sbyte* token, int* quadSums, int* products, byte* ahead, nint aheadStep)
        where T : struct, IGroupQuants
    {
        Vector256<short> lowScale = Vector256<short>.One, highScale = lowScale;
        Vector256<int> lowSum = default, highSum = default;
        for (nint q = 0; q < quads; q += T.QuadsAScale)
        {
            GroupLayout.Prefetch(ahead, aheadStep);
            ahead += aheadStep;
            if (T.IntegerScales)
            {
                lowScale = Vector256.Load(scales + q / T.QuadsAScale * 32);
                highScale = Vector256.Load(scales + q / T.QuadsAScale * 32 + 16);
            }

            for (nint at = q; at < q + T.QuadsAScale; at += T.QuadsInHeadroom)
            {
                Vector256<short> low = Begin<T>(quadSums + at / 4), high = low;
                for (nint i = at; i < at + T.QuadsInHeadroom; i += 2)
                {
                    Vector256<sbyte> a = Spread(token + i * 4), b = Spread(token + i * 4 + 4);
                    low += Avx2.MultiplyAddAdjacent(Vector256.Load(weights + i * 64), a) + Avx2.MultiplyAddAdjacent(Vector256.Load(weights + i * 64 + 64), b);
                    high += Avx2.MultiplyAddAdjacent(Vector256.Load(weights + i * 64 + 32), a) + Avx2.MultiplyAddAdjacent(Vector256.Load(weights + i * 64 + 96), b);
                }

                lowSum += Avx2.MultiplyAddAdjacent(low, lowScale);
                highSum += Avx2.MultiplyAddAdjacent(high, highScale);
            }

            if (!T.IntegerScales)
            {
                Store(lowSum, highSum, products + q / T.QuadsAScale * 16);
                lowSum = highSum = default;
            }
        }

        if (T.IntegerScales)
        {
            Store(lowSum, highSum, products);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneSigned<T>(byte* weights, nint quads, short* scales, sbyte* token, int* products, byte* ahead, nint aheadStep)
        where T : struct, IGroupQuants
    {
        aheadStep /= T.QuadsAScale; // at most two lines
        Vector256<short> lowScale = Vector256<short>.One, highScale = lowScale;
        Vector256<int> lowSum = default, highSum = default;
        for (nint q = 0; q < quads; q += T.QuadsAScale, weights += T.Gap)
        {
            if (T.IntegerScales)
            {
                lowScale = Vector256.Load(scales + q / T.QuadsAScale * 32);
                highScale = Vector256.Load(scales + q / T.QuadsAScale * 32 + 16);
            }

            for (nint at = q; at < q + T.QuadsAScale; at++, ahead += aheadStep)
            {
                Sse.Prefetch0(ahead);
                Vector256<sbyte> low = Vector256.Load((sbyte*)weights + at * 64), high = Vector256.Load((sbyte*)weights + at * 64 + 32), a = Spread(token + at * 4);
                lowSum += Signed(Avx2.Abs(low), low, a, lowScale);
                highSum += Signed(Avx2.Abs(high), high, a, highScale);
            }

            if (!T.IntegerScales || q + T.QuadsAScale == quads)
            {
                Store(lowSum, highSum, T.IntegerScales ? products : products + q / T.QuadsAScale * 16);
                lowSum = highSum = default;
            }
        }
    }

    // four columns of sixteen rows, times four tokens
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quad(byte* weights, sbyte* four, ref Vector256<short> l0, ref Vector256<short> h0,
        ref Vector256<short> l1, ref Vector256<short> h1, ref Vector256<short> l2, ref Vector256<short> h2, ref Vector256<short> l3, ref Vector256<short> h3)
    {
        Vector256<byte> low = Vector256.Load(weights), high = Vector256.Load(weights + 32);
        Vector256<sbyte> a = Spread(four);
        l0 += Avx2.MultiplyAddAdjacent(low, a);
        h0 += Avx2.MultiplyAddAdjacent(high, a);
        a = Spread(four + 4);
        l1 += Avx2.MultiplyAddAdjacent(low, a);
        h1 += Avx2.MultiplyAddAdjacent(high, a);
        a = Spread(four + 8);
        l2 += Avx2.MultiplyAddAdjacent(low, a);
        h2 += Avx2.MultiplyAddAdjacent(high, a);
        a = Spread(four + 12);
        l3 += Avx2.MultiplyAddAdjacent(low, a);
        h3 += Avx2.MultiplyAddAdjacent(high, a);
    }

    // four columns of a token, for every row
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<sbyte> Spread(sbyte* token) => Vector256.Create(*(int*)token).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Signed(Vector256<byte> sizes, Vector256<sbyte> weights, Vector256<sbyte> activations, Vector256<short> scale) =>
        Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(sizes, Avx2.Sign(activations, weights)), scale);

    // sums of 16 bits begin at what their offset will have added too much
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Begin<T>(int* quadSums)
        where T : struct, IGroupQuants => T.GroupOffset == 0 ? default : Vector256.Create(*quadSums).AsInt16() * (short)-T.GroupOffset;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<int> low, Vector256<int> high, int* sums)
    {
        low.Store(sums);
        high.Store(sums + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector256<int> low, Vector256<int> high, int* sums)
    {
        (Vector256.Load(sums) + low).Store(sums);
        (Vector256.Load(sums + 8) + high).Store(sums + 8);
    }
}
