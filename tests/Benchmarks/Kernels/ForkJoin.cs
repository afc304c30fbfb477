using BenchmarkDotNet.Attributes;
using SmolCluster.Benchmarks.Reporting;
using SmolCluster.Engine.Kernels;

namespace SmolCluster.Benchmarks.Kernels;

/// <summary>The parallel regions of one token of a 36-layer model, with next to nothing to do in them: what forking and joining cost.</summary>
public class ForkJoin : IWork
{
    private const int Regions = 290;

    private readonly long[] _sums = new long[64 * 16];
    private ThreadTeam? _team;

    [Params(1, 2)]
    public int Threads { get; set; }

    [Params(2, 64)]
    public int Pieces { get; set; }

    [GlobalSetup]
    public void Setup() => _team = new ThreadTeam(Threads);

    [GlobalCleanup]
    public void Cleanup() => _team!.Dispose();

    [Benchmark(OperationsPerInvoke = Regions)]
    public void Region()
    {
        for (int i = 0; i < Regions; i++)
        {
            _team!.For(Pieces, (piece, worker) => _sums[worker * 16] += piece);
        }
    }
}
