using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>
/// Sixteen rows side by side: of one block of each, every 16-bit and 32-bit field of the file's layout is followed by the same
/// field of the next row. A permutation of the file's bytes and no other format: <c>group[16 · offset + row · size]</c> is the field
/// at <c>offset</c> of <c>row</c>, so a matrix of groups has the size of the file's. One register then holds four columns of eight or
/// sixteen rows, a product needs no horizontal sum, and one stream of memory serves sixteen rows. Measured on one token against rows as
/// they lie in the file: the README's design section.
/// </summary>
/// <param name="leadingHalves">16-bit fields at a block's start.</param>
/// <param name="words">32-bit fields after these.</param>
/// <param name="trailingHalves">16-bit fields at its end.</param>
internal readonly unsafe struct GroupLayout(int leadingHalves, int words, int trailingHalves)
{
    /// <summary>Rows of a group.</summary>
    public const int Rows = 16;

    /// <summary>Bytes of one row's block.</summary>
    public int BlockBytes { get; } = (2 * leadingHalves) + (4 * words) + (2 * trailingHalves);

    /// <summary>Lays the block at <paramref name="first"/> and those below it, <paramref name="rowBytes"/> apart, side by side.</summary>
    /// <param name="group">[16 · BlockBytes]</param>
    public void Pack(byte* first, nint rowBytes, byte* group)
    {
        PackHalves(first, rowBytes, leadingHalves, group);
        PackWords(first + (2 * leadingHalves), rowBytes, words, group + (32 * leadingHalves));
        int end = (2 * leadingHalves) + (4 * words);
        PackHalves(first + end, rowBytes, trailingHalves, group + (Rows * end));
    }

    /// <summary>Blocks of 256 ahead that are asked of the memory while one is multiplied: unpacking reads a block in a burst and the
    /// processor cannot look past the products that follow, so without this the memory would rest meanwhile. Of many tokens the last
    /// octet asks for the next block: what is asked for before has left the first-level cache again. One token has two streams.</summary>
    public static int PrefetchBlocks(int tokens) => tokens is > 1 and <= Octets.Tokens ? 3 : 1;

    /// <summary>Asks for bytes that may lie past the end of the matrix.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* from, nint bytes)
    {
        for (nint at = 0; at < bytes; at += 64)
        {
            Sse.Prefetch0(from + at);
        }
    }

    private static void PackHalves(byte* first, nint rowBytes, int count, byte* group)
    {
        for (int i = 0; i < count; i++)
        {
            for (int row = 0; row < Rows; row++)
            {
                ((ushort*)group)[(i * Rows) + row] = ((ushort*)(first + (row * rowBytes)))[i];
            }
        }
    }

    private static void PackWords(byte* first, nint rowBytes, int count, byte* group)
    {
        int word = 0;
        for (; Avx2.IsSupported && word <= count - 8; word += 8)
        {
            Transpose(first + (4 * word), rowBytes, group + (64 * word), 64);
            Transpose(first + (4 * word) + (8 * rowBytes), rowBytes, group + (64 * word) + 32, 64);
        }

        for (; word < count; word++)
        {
            for (int row = 0; row < Rows; row++)
            {
                ((uint*)group)[(word * Rows) + row] = ((uint*)(first + (row * rowBytes)))[word];
            }
        }
    }

    /// <summary>Eight rows of eight words to eight columns, <paramref name="apart"/> bytes apart: pairs, fours, then halves of the
    /// registers change places. For AVX2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Transpose(byte* first, nint step, byte* columns, nint apart)
    {
        Vector256<int> r0 = Load(first), r1 = Load(first + step), r2 = Load(first + (2 * step)), r3 = Load(first + (3 * step));
        Vector256<int> r4 = Load(first + (4 * step)), r5 = Load(first + (5 * step)), r6 = Load(first + (6 * step)), r7 = Load(first + (7 * step));
        Four(r0, r1, r2, r3, out Vector256<int> a0, out Vector256<int> a1, out Vector256<int> a2, out Vector256<int> a3);
        Four(r4, r5, r6, r7, out Vector256<int> b0, out Vector256<int> b1, out Vector256<int> b2, out Vector256<int> b3);
        Halves(a0, b0, columns, apart);
        Halves(a1, b1, columns + apart, apart);
        Halves(a2, b2, columns + (2 * apart), apart);
        Halves(a3, b3, columns + (3 * apart), apart);
    }

    private static Vector256<int> Load(byte* row) => Vector256.Load((int*)row);

    // of four rows, words i and 4 + i of each
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Four(Vector256<int> r0, Vector256<int> r1, Vector256<int> r2, Vector256<int> r3,
        out Vector256<int> c0, out Vector256<int> c1, out Vector256<int> c2, out Vector256<int> c3)
    {
        Vector256<long> low01 = Avx2.UnpackLow(r0, r1).AsInt64(), high01 = Avx2.UnpackHigh(r0, r1).AsInt64();
        Vector256<long> low23 = Avx2.UnpackLow(r2, r3).AsInt64(), high23 = Avx2.UnpackHigh(r2, r3).AsInt64();
        c0 = Avx2.UnpackLow(low01, low23).AsInt32();
        c1 = Avx2.UnpackHigh(low01, low23).AsInt32();
        c2 = Avx2.UnpackLow(high01, high23).AsInt32();
        c3 = Avx2.UnpackHigh(high01, high23).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Halves(Vector256<int> a, Vector256<int> b, byte* column, nint apart)
    {
        Avx2.Permute2x128(a, b, 0x20).Store((int*)column);
        Avx2.Permute2x128(a, b, 0x31).Store((int*)(column + (4 * apart)));
    }
}
