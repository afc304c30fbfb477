using System.Collections.Concurrent;
using SmolCluster.Benchmarks.Limits;
using SmolCluster.Cli.Bench;

namespace SmolCluster.Benchmarks;

/// <summary>The physical limits of this machine in this run, by number of threads, measured when first asked for.</summary>
internal static class MachineLimits
{
    private static readonly ConcurrentDictionary<int, double> s_read = new();
    private static readonly ConcurrentDictionary<int, double?> s_multiply = new();

    public static double ReadGigabytes(int threads) => s_read.GetOrAdd(threads, BusProbe.Measure);

    /// <summary>Null where the processor has none of the instructions that the probe knows.</summary>
    public static double? MultiplyGigaops(int threads) => s_multiply.GetOrAdd(threads, MultiplyProbe.Measure);
}
