using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Cli.Bench;

/// <summary>How fast threads can read memory, each its own stretch from front to back: the limit of decoding, measured in the
/// same run because on a shared machine it differs from one minute to the next.</summary>
internal static unsafe class BusProbe
{
    private const long MostBytes = 1L << 30;
    private const int Passes = 6;
    private const int Stride = 8 * 64;

    /// <returns>The best pass, in GB/s (10⁹ bytes).</returns>
    public static double Measure(int threads)
    {
        // far more than any cache, and no more than the machine can spare
        long bytes = Math.Min(MostBytes, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8);
        long stretch = bytes / threads / Stride * Stride;
        byte* memory = (byte*)NativeMemory.AlignedAlloc((nuint)(stretch * threads), 64);
        try
        {
            return stretch * threads / BestSeconds(memory, stretch, threads) / 1e9;
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    // Readers take the times themselves: the thread that started them may not get a core at once.
    private static double BestSeconds(byte* memory, long stretch, int threads)
    {
        using var barrier = new Barrier(threads);
        var began = new long[threads, Passes];
        var ended = new long[threads, Passes];
        Thread[] readers = [.. Enumerable.Range(0, threads).Select(i => new Thread(() =>
        {
            byte* own = memory + i * stretch;
            NativeMemory.Fill(own, (nuint)stretch, 1); // maps the pages
            for (int pass = 0; pass < Passes; pass++)
            {
                barrier.SignalAndWait();
                began[i, pass] = Stopwatch.GetTimestamp();
                GC.KeepAlive(Read(own, stretch));
                ended[i, pass] = Stopwatch.GetTimestamp();
            }
        }))];
        Array.ForEach(readers, static reader => reader.Start());
        Array.ForEach(readers, static reader => reader.Join());
        return Enumerable.Range(0, Passes).Min(pass => Stopwatch.GetElapsedTime(
            Enumerable.Range(0, threads).Min(i => began[i, pass]), Enumerable.Range(0, threads).Max(i => ended[i, pass])).TotalSeconds);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static ulong Read(byte* start, long bytes)
    {
        Vector512<ulong> a = default, b = default, c = default, d = default;
        for (byte* end = start + bytes; start < end; start += Stride)
        {
            a |= Vector512.Load((ulong*)start) | Vector512.Load((ulong*)(start + 256));
            b |= Vector512.Load((ulong*)(start + 64)) | Vector512.Load((ulong*)(start + 320));
            c |= Vector512.Load((ulong*)(start + 128)) | Vector512.Load((ulong*)(start + 384));
            d |= Vector512.Load((ulong*)(start + 192)) | Vector512.Load((ulong*)(start + 448));
        }

        return Vector512.Sum(a | b | c | d);
    }
}
