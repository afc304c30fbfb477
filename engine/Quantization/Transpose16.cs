using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>Turns sixteen rows of sixteen 32-bit words into columns, in registers.</summary>
internal static unsafe class Transpose16
{
    /// <summary>destination[column * 16 + row] = source[row * step + column], in words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(int* source, nint step, int* destination)
    {
        // 4 x 4 words within each 128-bit lane, four rows at a time, then 4 x 4 lanes
        Four(source, step, out Vector512<int> a0, out Vector512<int> a1, out Vector512<int> a2, out Vector512<int> a3);
        Four(source + 4 * step, step, out Vector512<int> b0, out Vector512<int> b1, out Vector512<int> b2, out Vector512<int> b3);
        Four(source + 8 * step, step, out Vector512<int> c0, out Vector512<int> c1, out Vector512<int> c2, out Vector512<int> c3);
        Four(source + 12 * step, step, out Vector512<int> d0, out Vector512<int> d1, out Vector512<int> d2, out Vector512<int> d3);
        Lanes(a0, b0, c0, d0, destination);
        Lanes(a1, b1, c1, d1, destination + 16);
        Lanes(a2, b2, c2, d2, destination + 32);
        Lanes(a3, b3, c3, d3, destination + 48);
    }

    // column i of each lane's 4 x 4 words, four rows
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Four(int* source, nint step, out Vector512<int> c0, out Vector512<int> c1, out Vector512<int> c2, out Vector512<int> c3)
    {
        Vector512<int> r0 = Vector512.Load(source), r1 = Vector512.Load(source + step);
        Vector512<int> r2 = Vector512.Load(source + 2 * step), r3 = Vector512.Load(source + 3 * step);
        Vector512<long> low01 = Avx512F.UnpackLow(r0, r1).AsInt64(), high01 = Avx512F.UnpackHigh(r0, r1).AsInt64();
        Vector512<long> low23 = Avx512F.UnpackLow(r2, r3).AsInt64(), high23 = Avx512F.UnpackHigh(r2, r3).AsInt64();
        c0 = Avx512F.UnpackLow(low01, low23).AsInt32();
        c1 = Avx512F.UnpackHigh(low01, low23).AsInt32();
        c2 = Avx512F.UnpackLow(high01, high23).AsInt32();
        c3 = Avx512F.UnpackHigh(high01, high23).AsInt32();
    }

    // lane j of the four inputs becomes the register of column 4 j
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Lanes(Vector512<int> a, Vector512<int> b, Vector512<int> c, Vector512<int> d, int* destination)
    {
        Vector512<int> ab0 = Avx512F.Shuffle4x128(a, b, 0x44), ab1 = Avx512F.Shuffle4x128(a, b, 0xEE);
        Vector512<int> cd0 = Avx512F.Shuffle4x128(c, d, 0x44), cd1 = Avx512F.Shuffle4x128(c, d, 0xEE);
        Avx512F.Shuffle4x128(ab0, cd0, 0x88).Store(destination);
        Avx512F.Shuffle4x128(ab0, cd0, 0xDD).Store(destination + 64);
        Avx512F.Shuffle4x128(ab1, cd1, 0x88).Store(destination + 128);
        Avx512F.Shuffle4x128(ab1, cd1, 0xDD).Store(destination + 192);
    }
}
