using BenchmarkDotNet.Attributes;
using SmolCluster.Benchmarks.Reporting;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Benchmarks.Kernels;

/// <summary>What prefill, drafts and the decoding of many users are made of: each weight serves several tokens. With few of them the
/// bus is the limit, with many the multipliers.</summary>
public class BatchProduct : IWork
{
    private const int Rows = 11_008, Columns = 2048;

    private ThreadTeam? _team;
    private RandomMatrix? _matrix;

    [Params(GgmlType.Q4_K, GgmlType.Q6_K, GgmlType.Q8_0)]
    public GgmlType Type { get; set; }

    [Params(2, 4, 8, 16, 32, 128)]
    public int Tokens { get; set; }

    [Params(2)]
    public int Threads { get; set; }

    public double Operations => 2.0 * Rows * Columns * Tokens;

    [GlobalSetup]
    public void Setup()
    {
        _team = new ThreadTeam(Threads);
        _matrix = new RandomMatrix(Type, Rows, Columns, Tokens);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _matrix!.Dispose();
        _team!.Dispose();
    }

    [Benchmark]
    public void Multiply() => _matrix!.Multiply(_team!);
}
