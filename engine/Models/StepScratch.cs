using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Models;

/// <summary>One token of a step.</summary>
internal readonly record struct StepToken(int Id, int Position, KvSequence Sequence, Adapter? Adapter);

/// <summary>Consecutive tokens of one sequence that attention computes together.</summary>
internal readonly record struct TokenTile(int First, int Count);

/// <summary>Every buffer of a forward step, allocated once for the largest step. A buffer's comment is its shape.</summary>
internal sealed unsafe class StepScratch : IDisposable
{
    /// <summary>Tokens an attention tile: enough to pay for widening a page, few enough to share a long prompt over threads.</summary>
    private const int TileTokens = 16;

    private readonly int _embedding, _queries, _keys, _feedForward, _angles, _attention;
    private readonly NativeBuffer<float> _x;        // [T][E]
    private readonly NativeBuffer<float> _normed;   // [T][E]
    private readonly NativeBuffer<float> _query;    // [T][H·D]
    private readonly NativeBuffer<float> _key;      // [T][K·D]
    private readonly NativeBuffer<float> _value;    // [T][K·D]
    private readonly NativeBuffer<float> _attended; // [T][H·D]
    private readonly NativeBuffer<float> _gate;     // [T][F]
    private readonly NativeBuffer<float> _up;       // [T][F]
    private readonly NativeBuffer<float> _cosSin;   // [T][tables of rope][rope dimensions]
    private readonly NativeBuffer<float> _tile;     // [workers][attention scratch]

    /// <param name="angles">Floats of all tables of rope for one token.</param>
    public StepScratch(ModelConfig config, int maxTokens, int workers, int angles)
    {
        _embedding = config.EmbeddingLength;
        _queries = config.HeadCount * config.HeadLength;
        _keys = config.HeadCountKv * config.HeadLength;
        _feedForward = config.FeedForwardLength;
        _angles = angles;
        int scratch = Attention.ScratchLength(config.HeadLength, TileTokens, config.HeadCount / config.HeadCountKv);
        _attention = (scratch + Lanes.Count - 1) / Lanes.Count * Lanes.Count;
        long tokens = maxTokens;
        _x = new(tokens * _embedding);
        _normed = new(tokens * _embedding);
        _query = new(tokens * _queries);
        _key = new(tokens * _keys);
        _value = new(tokens * _keys);
        _attended = new(tokens * _queries);
        _gate = new(tokens * _feedForward);
        _up = new(tokens * _feedForward);
        _cosSin = new(tokens * _angles);
        _tile = new((long)workers * _attention);
        Tokens = new StepToken[maxTokens];
        LogitTokens = new int[maxTokens];
    }

    public StepToken[] Tokens { get; }

    public List<TokenTile> Tiles { get; } = [];

    /// <summary>Index in the step of each token whose logits are asked for.</summary>
    public int[] LogitTokens { get; }

    public float* X(int t) => _x.Pointer + (long)t * _embedding;

    public float* Normed(int t) => _normed.Pointer + (long)t * _embedding;

    public float* Query(int t) => _query.Pointer + (long)t * _queries;

    public float* Key(int t) => _key.Pointer + (long)t * _keys;

    public float* Value(int t) => _value.Pointer + (long)t * _keys;

    public float* Attended(int t) => _attended.Pointer + (long)t * _queries;

    public float* Gate(int t) => _gate.Pointer + (long)t * _feedForward;

    public float* Up(int t) => _up.Pointer + (long)t * _feedForward;

    /// <summary>All tables of one token.</summary>
    public Span<float> Angles(int t) => new(_cosSin.Pointer + (long)t * _angles, _angles);

    public float* AttentionScratch(int worker) => _tile.Pointer + (long)worker * _attention;

    /// <summary>Lays the slices' tokens side by side; returns their number.</summary>
    public int Lay(ReadOnlySpan<BatchSlice> slices, int maxTokens)
    {
        Tiles.Clear();
        int at = 0;
        foreach (BatchSlice slice in slices)
        {
            int count = slice.Tokens.Length, start = slice.Sequence.Length;
            if (count == 0 || at + count > maxTokens || KvLayout.Pages(start + count) > slice.Sequence.PageCount)
            {
                throw new ArgumentException($"A slice of {count} tokens at position {start} needs room in the step " +
                    $"({at} of {maxTokens} taken) and reserved pages ({slice.Sequence.PageCount} are).", nameof(slices));
            }

            for (int tile = 0; tile < count; tile += TileTokens)
            {
                Tiles.Add(new(at + tile, Math.Min(TileTokens, count - tile)));
            }

            ReadOnlySpan<int> ids = slice.Tokens.Span;
            for (int i = 0; i < count; i++)
            {
                Tokens[at++] = new(ids[i], start + i, slice.Sequence, slice.Adapter);
            }
        }

        return at;
    }

    /// <summary>Notes which tokens' logits are asked for; returns their number.</summary>
    public int MarkLogits(ReadOnlySpan<BatchSlice> slices)
    {
        int rows = 0, end = 0;
        foreach (BatchSlice slice in slices)
        {
            end += slice.Tokens.Length;
            for (int t = end - slice.LogitRowCount; t < end; t++)
            {
                LogitTokens[rows++] = t;
            }
        }

        return rows;
    }

    public void Dispose()
    {
        foreach (NativeBuffer<float> buffer in new[] { _x, _normed, _query, _key, _value, _attended, _gate, _up, _cosSin, _tile })
        {
            buffer.Dispose();
        }
    }
}
