using BenchmarkDotNet.Attributes;
using SmolCluster.Benchmarks.Reporting;
using SmolCluster.Engine.Sampling;

namespace SmolCluster.Benchmarks;

/// <summary>One draw over SmolLM3's vocabulary.</summary>
public class Sampling : IWork
{
    private const int Vocabulary = 128_256;

    private readonly Sampler _sampler = new(Vocabulary);
    private readonly float[] _logits = [.. Enumerable.Range(0, Vocabulary).Select(static i => 6 * MathF.Sin(i * 0.7f) * MathF.Sin(i))];
    private readonly float[] _scratch = new float[Vocabulary];
    private readonly int[] _tokens = [.. Enumerable.Range(0, 512)];

    public double Bytes => (double)sizeof(float) * Vocabulary;

    [Benchmark]
    public int Greedy() => Draw(new SamplingOptions { Temperature = 0 });

    [Benchmark]
    public int TemperatureAndTopP() => Draw(new SamplingOptions());

    [Benchmark]
    public int TopKAndPenalties() => Draw(new SamplingOptions { TopK = 40, RepetitionPenalty = 1.1f, FrequencyPenalty = 0.1f });

    private int Draw(SamplingOptions options)
    {
        _logits.CopyTo(_scratch, 0);
        return _sampler.Sample(_scratch, _tokens, 100, options);
    }
}
