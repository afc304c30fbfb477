using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Benchmarks.Limits;

/// <summary>The most 8-bit products that this machine can multiply and add up on registers: per register one vpmaddubsw, one
/// vpmaddwd and one addition, the least that turns bytes into 32-bit sums without VNNI. Kernels that add some sums in 16 bits before
/// widening them may come out above it.</summary>
internal static class MultiplyProbe
{
    private const int Rounds = 4_000_000, Passes = 5, Chains = 4;

    /// <returns>10⁹ multiplications and additions a second; null on a processor without AVX2.</returns>
    public static double? Measure(int threads)
    {
        if (!Avx2.IsSupported)
        {
            return null;
        }

        bool wide = Avx512BW.IsSupported;
        double best = double.PositiveInfinity;
        for (int pass = 0; pass < Passes; pass++)
        {
            long start = Stopwatch.GetTimestamp();
            Thread[] team = [.. Enumerable.Range(0, threads).Select(_ => new Thread(() => GC.KeepAlive(wide ? Wide(Rounds) : Narrow(Rounds))))];
            Array.ForEach(team, static thread => thread.Start());
            Array.ForEach(team, static thread => thread.Join());
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        int bytes = wide ? Vector512<byte>.Count : Vector256<byte>.Count;
        return 2.0 * bytes * Chains * Rounds * threads / best / 1e9;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static int Narrow(int rounds)
    {
        Vector256<byte> x = Vector256.Create((byte)3), step = Vector256.Create((byte)7);
        Vector256<sbyte> p = Vector256.Create((sbyte)5), q = Vector256.Create((sbyte)-9), r = Vector256.Create((sbyte)11), s = Vector256.Create((sbyte)-13);
        Vector256<short> ones = Vector256.Create((short)1);
        Vector256<int> a = default, b = default, c = default, d = default;
        for (int i = 0; i < rounds; i++)
        {
            x += step; // so that no product can be taken out of the loop
            a += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(x, p), ones);
            b += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(x, q), ones);
            c += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(x, r), ones);
            d += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(x, s), ones);
        }

        return Vector256.Sum(a + b + c + d);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static int Wide(int rounds)
    {
        Vector512<byte> x = Vector512.Create((byte)3), step = Vector512.Create((byte)7);
        Vector512<sbyte> p = Vector512.Create((sbyte)5), q = Vector512.Create((sbyte)-9), r = Vector512.Create((sbyte)11), s = Vector512.Create((sbyte)-13);
        Vector512<short> ones = Vector512.Create((short)1);
        Vector512<int> a = default, b = default, c = default, d = default;
        for (int i = 0; i < rounds; i++)
        {
            x += step; // so that no product can be taken out of the loop
            a += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(x, p), ones);
            b += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(x, q), ones);
            c += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(x, r), ones);
            d += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(x, s), ones);
        }

        return Vector512.Sum(a + b + c + d);
    }
}
