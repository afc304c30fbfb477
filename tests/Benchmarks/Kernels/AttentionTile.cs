using BenchmarkDotNet.Attributes;
using SmolCluster.Benchmarks.Reporting;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Models;

namespace SmolCluster.Benchmarks.Kernels;

/// <summary>Attention of one layer of SmolLM3-3B over 4096 positions, all its key/value heads, on one thread: a decoding token, and
/// a tile of prefill.</summary>
public unsafe class AttentionTile : IWork
{
    private const int Positions = 4096, Heads = 16, HeadsKv = 4, HeadLength = 128, MostTokens = 16;

    private KvPagePool? _pool;
    private KvSequence? _sequence;
    private NativeBuffer<float>? _queries, _output, _scratch;

    [Params(KvType.F16, KvType.F32)]
    public KvType Type { get; set; }

    [Params(1, MostTokens)]
    public int Tokens { get; set; }

    public double Bytes => 2.0 * Positions * HeadsKv * HeadLength * (Type == KvType.F16 ? 2 : 4);

    [GlobalSetup]
    public void Setup()
    {
        var layout = new KvLayout(Shape, Type);
        _pool = new KvPagePool(layout, KvLayout.Pages(Positions));
        _sequence = new KvSequence(_pool);
        _sequence.TryReserve(Positions);
        _queries = new NativeBuffer<float>(MostTokens * Heads * HeadLength);
        _output = new NativeBuffer<float>(MostTokens * Heads * HeadLength);
        _scratch = new NativeBuffer<float>(Attention.ScratchLength(HeadLength, MostTokens, Heads / HeadsKv));
        for (int i = 0; i < _queries.Length; i++)
        {
            _queries.Pointer[i] = MathF.Sin(i);
        }

        for (int position = 0; position < Positions; position++)
        {
            KvWriter.Store(_sequence, 0, position, _queries.Pointer + position % Heads, _queries.Pointer + position % HeadLength);
        }

        _sequence.Advance(Positions);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _sequence!.Dispose();
        _pool!.Dispose();
        _queries!.Dispose();
        _output!.Dispose();
        _scratch!.Dispose();
    }

    [Benchmark]
    public void AllHeads()
    {
        for (int head = 0; head < HeadsKv; head++)
        {
            int at = head * (Heads / HeadsKv) * HeadLength;
            Attention.Tile(_sequence!, AttentionForm.Plain(HeadLength), 0, head, Heads / HeadsKv, Positions - Tokens, Tokens, _queries!.Pointer + at, _output!.Pointer + at,
                Heads * HeadLength, _scratch!.Pointer);
        }
    }

    private static ModelConfig Shape { get; } = new()
    {
        Architecture = "smollm3",
        Name = "one layer",
        BlockCount = 1,
        ContextLength = Positions,
        EmbeddingLength = Heads * HeadLength,
        FeedForwardLength = 11_008,
        HeadCount = Heads,
        HeadCountKv = HeadsKv,
        HeadLength = HeadLength,
        RmsEpsilon = 1e-6f,
        VocabularyLength = 16,
        NoRopeInterval = 4,
        Rope = new RopeConfig(HeadLength, 5e6f, RopeScaling.None, 1, Positions, 0, 1, 32, 1),
    };
}
