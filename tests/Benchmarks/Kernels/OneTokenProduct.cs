using BenchmarkDotNet.Attributes;
using SmolCluster.Benchmarks.Reporting;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Benchmarks.Kernels;

/// <summary>What one user's decoding is made of: every weight is read once from memory for one token, so the bus is the limit.</summary>
public class OneTokenProduct : IWork
{
    private const int Columns = 2048;
    private const long LeastBytes = 192L << 20; // far more than a third-level cache holds

    private ThreadTeam? _team;
    private RandomMatrix? _matrix;

    [Params(GgmlType.Q4_K, GgmlType.Q6_K, GgmlType.Q5_K, GgmlType.Q8_0, GgmlType.Q4_0, GgmlType.F16)]
    public GgmlType Type { get; set; }

    [Params(1, 2)]
    public int Threads { get; set; }

    public double Bytes => RandomMatrix.Bytes(Type, Rows, Columns);

    public bool FromMemory => true;

    private int Rows => (int)(LeastBytes / RandomMatrix.Bytes(Type, 1, Columns));

    [GlobalSetup]
    public void Setup()
    {
        _team = new ThreadTeam(Threads);
        _matrix = new RandomMatrix(Type, Rows, Columns, tokens: 1);
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
