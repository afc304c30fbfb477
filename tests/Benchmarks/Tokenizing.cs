using System.Text;
using BenchmarkDotNet.Attributes;
using SmolCluster.Benchmarks.Reporting;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Text;

namespace SmolCluster.Benchmarks;

/// <summary>Text to tokens and back, with the demo model's vocabulary.</summary>
public class Tokenizing : IWork
{
    private static readonly string s_text = string.Concat(Enumerable.Repeat(
        "In Orleans, a silo is a node that runs grains; a grain keeps its state, and 3.14 of them (or so) don't share it.\n", 200));

    private Tokenizer? _tokenizer;
    private int[] _tokens = [];

    public double Bytes => Encoding.UTF8.GetByteCount(s_text);

    [GlobalSetup]
    public void Setup()
    {
        using GgufFile file = GgufFile.Open(Path.Combine(AppContext.BaseDirectory, "models", "smolcluster-demo-Q8_0.gguf"));
        _tokenizer = Tokenizer.From(file);
        _tokens = _tokenizer.Encode(s_text);
    }

    [Benchmark]
    public int[] Encode() => _tokenizer!.Encode(s_text);

    [Benchmark]
    public string Decode() => _tokenizer!.Decode(_tokens);
}
