using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Pipeline;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Models;

/// <summary>
/// The forward pass: one for everything. A step takes a batch of slices, prefill chunks and single decode tokens alike, runs
/// all their tokens through every layer, appends their keys and values to their sequences, and writes the logits asked for.
/// The logits of a token depend on the weights, its sequence's adapter, the tokens before it and the KV type, and on nothing else.
/// It may have a part of the layers only: others then go on with its hidden states, see <see cref="PipelinedPass"/>.
/// Not thread-safe: the batch loop owns it. Shapes: T tokens of the step, E embedding, H heads, K kv heads, D head length,
/// F feed forward, V vocabulary. Source: Touvron et al. 2023 (Llama 2); SmolLM3: Yang et al. 2025 (NoPE layers); Gemma Team 2024
/// and 2025 (Gemma 2 and 3: norms behind, GELU, windows, soft caps).
/// </summary>
public sealed unsafe class Transformer : IForwardPass
{
    /// <param name="name">Such as Qcur.</param>
    /// <param name="layer">0-based; -1 outside of the layers.</param>
    /// <param name="values">[T][length]; valid during the call.</param>
    internal delegate void LayerTap(string name, int layer, ReadOnlySpan<float> values);

    private readonly ModelConfig _config;
    private readonly LayerRange _range;
    private readonly ModelWeights _weights;
    private readonly ThreadTeam _team;
    private readonly Rope _rope;
    private readonly Rope? _windowRope; // of windowed layers, where it is another
    private readonly AttentionForm _everything, _window;
    private readonly StepScratch _scratch;
    private readonly ActivationRows _rows;

    /// <param name="file">Mapped for as long as this lives.</param>
    /// <param name="config">From the same file.</param>
    /// <param name="team">Threads for each step.</param>
    /// <param name="maxTokens">Tokens a step at most.</param>
    /// <param name="arithmetic">Fast kernels or oracle.</param>
    /// <param name="twin">The file's matrices, rows side by side; mapped for as long as this lives. Changes speed and no bit.</param>
    /// <param name="range">The layers that it has, and their caches; null: all.</param>
    public Transformer(GgufFile file, ModelConfig config, ThreadTeam team, int maxTokens, Arithmetic arithmetic = Arithmetic.Default, RowTwin? twin = null,
        LayerRange? range = null)
    {
        RequireWholeLanes(file, config);
        _config = config;
        _range = range ?? LayerRange.Whole(config);
        _weights = new ModelWeights(file, config, arithmetic, twin, _range);
        _team = team;
        _rope = new Rope(config.Rope, _weights.RopeFactors);
        _windowRope = config.WindowRope is { } other ? new Rope(other, []) : null;
        _everything = new(1 / MathF.Sqrt(config.QueryScaleLength ?? config.HeadLength), AttentionForm.Everything, config.AttentionCap);
        _window = _everything with { Window = config.WindowLength };
        MaxTokens = maxTokens;
        _scratch = new StepScratch(config, maxTokens, team.Size, _rope.TableLength + (_windowRope?.TableLength ?? 0));
        _rows = new ActivationRows(maxTokens, Math.Max(Math.Max(config.EmbeddingLength, config.FeedForwardLength), QueryLength));
    }

    /// <summary>Tokens a step at most.</summary>
    public int MaxTokens { get; }

    /// <summary>Sees each intermediate of a step, [T][length] under its name in llama.cpp's graph: how tests compare layer by layer.
    /// What it sees of the head is right only where every token of the step wants logits.</summary>
    internal LayerTap? Tap { get; set; }

    private int QueryLength => _config.HeadCount * _config.HeadLength;

    private int KeyLength => _config.HeadCountKv * _config.HeadLength;

    /// <summary>Runs one step and advances the sequences.</summary>
    /// <param name="slices">Each sequence at most once; together 1 to <see cref="MaxTokens"/> tokens.</param>
    /// <param name="logits">[rows asked for, in order][V]</param>
    public void Forward(ReadOnlySpan<BatchSlice> slices, Span<float> logits)
    {
        RunLayers(slices);
        Finish(slices, logits);
    }

    /// <summary>The hidden states of a step's tokens, [T][E]: what <see cref="RunLayers"/> leaves, and what it and <see cref="Finish"/>
    /// begin with where other layers, elsewhere, come before.</summary>
    internal Span<float> Hidden(int tokens) => new(_scratch.X(0), tokens * _config.EmbeddingLength);

    /// <summary>Runs the layers that are here over the slices' tokens, embedded first where these are the first layers, and advances
    /// the sequences.</summary>
    internal void RunLayers(ReadOnlySpan<BatchSlice> slices)
    {
        int tokens = _scratch.Lay(slices, MaxTokens);
        StepScratch s = _scratch;
        LayerWeights[] layers = _weights.Layers;
        _team.For(tokens, (t, _) =>
        {
            if (_range.HasEnds)
            {
                Embed(t);
            }

            _rope.Angles(s.Tokens[t].Position, s.Angles(t)[.._rope.TableLength]);
            _windowRope?.Angles(s.Tokens[t].Position, s.Angles(t)[_rope.TableLength..]);
        });
        Show("embd", -1, s.X(0), tokens * _config.EmbeddingLength);

        for (int layer = 0; layer < layers.Length; layer++)
        {
            Attend(layer, layers[layer], tokens);
            FeedForward(layer, layers[layer], tokens);
        }

        foreach (BatchSlice slice in slices)
        {
            slice.Sequence.Advance(slice.Tokens.Length);
        }
    }

    /// <summary>After the last layer: pooled states, and the logits asked for.</summary>
    /// <param name="slices">All of the step.</param>
    /// <param name="logits">[rows asked for, in order][V]</param>
    internal void Finish(ReadOnlySpan<BatchSlice> slices, Span<float> logits)
    {
        Pool(slices);
        Head(slices, logits);
    }

    // x = embedding[token] · scale                                               x: [T][E]
    private void Embed(int t)
    {
        Matrix table = _weights.TokenEmbedding;
        int id = _scratch.Tokens[t].Id;
        if ((uint)id >= (uint)table.Rows)
        {
            throw new ArgumentOutOfRangeException(nameof(t), $"Token {id} is outside the vocabulary of {table.Rows}.");
        }

        Dequantizer.Row(table.Type, table.Data + id * table.RowBytes, table.Columns, _scratch.X(t));
        if (_config.EmbeddingScale != 1)
        {
            Lanes.Scale(_scratch.X(t), _config.EmbeddingScale, _config.EmbeddingLength);
        }
    }

    // x += Wo · attention(rope(Wq · norm(x)), rope(Wk · norm(x)), Wv · norm(x))
    private void Attend(int layer, LayerWeights w, int tokens)
    {
        StepScratch s = _scratch;
        _rows.Prepare(w.Query, w.Key, w.Value, w.AttentionOutput);
        _team.For(tokens, (t, _) =>
        {
            RmsNorm.Apply(s.X(t), w.AttentionNorm, _config.RmsEpsilon, _config.EmbeddingLength, s.Normed(t));
            _rows.Write(t, s.Normed(t), w.Query, w.Key, w.Value);
        });
        Show("attn_norm", layer, s.Normed(0), tokens * _config.EmbeddingLength);
        MatMul.Expect(_team, tokens, w.AttentionOutput);
        MatMul.Run(_team, tokens,
            new(w.Query, _rows.For(w.Query), s.Query(0), QueryLength),          // [T][H·D]
            new(w.Key, _rows.For(w.Key), s.Key(0), KeyLength),                  // [T][K·D]
            new(w.Value, _rows.For(w.Value), s.Value(0), KeyLength));           // [T][K·D]
        _team.For(tokens, (t, _) => RotateAndStore(layer, w, t));
        Show("Qcur", layer, s.Query(0), tokens * QueryLength);
        Show("Kcur", layer, s.Key(0), tokens * KeyLength);
        Show("Vcur", layer, s.Value(0), tokens * KeyLength);
        _team.For(s.Tiles.Count * _config.HeadCountKv, (piece, worker) => AttendTile(layer, piece, worker));
        Show("kqv_out", layer, s.Attended(0), tokens * QueryLength);
        _team.For(tokens, (t, _) => _rows.Write(t, s.Attended(t), w.AttentionOutput));
        MatMul.Expect(_team, tokens, w.Gate, w.Up);
        MatMul.Run(_team, tokens, new MatMul.Product(w.AttentionOutput, _rows.For(w.AttentionOutput), s.Normed(0), _config.EmbeddingLength));
        Show("attn_out", layer, s.Normed(0), tokens * _config.EmbeddingLength);
    }

    private void RotateAndStore(int layer, LayerWeights w, int t)
    {
        StepScratch s = _scratch;
        if (s.Tokens[t].Adapter?.Layers[layer] is { } adapter)
        {
            adapter.Query?.AddTo(s.Normed(t), s.Query(t));
            adapter.Key?.AddTo(s.Normed(t), s.Key(t));
            adapter.Value?.AddTo(s.Normed(t), s.Value(t));
        }

        if (_config.HasAttentionBias)
        {
            Lanes.AddScaled(s.Query(t), w.QueryBias, 1, QueryLength);
            Lanes.AddScaled(s.Key(t), w.KeyBias, 1, KeyLength);
            Lanes.AddScaled(s.Value(t), w.ValueBias, 1, KeyLength);
        }

        if (_config.NormalizesHeads)
        {
            NormalizeHeads(s.Query(t), _config.HeadCount, w.QueryNorm);
            NormalizeHeads(s.Key(t), _config.HeadCountKv, w.KeyNorm);
        }

        if (_config.AppliesRope(_range.First + layer))
        {
            bool isOther = _windowRope is not null && _config.HasWindow(_range.First + layer);
            Rope rope = isOther ? _windowRope! : _rope;
            ReadOnlySpan<float> angles = isOther ? s.Angles(t)[_rope.TableLength..] : s.Angles(t)[.._rope.TableLength];
            rope.Rotate(s.Query(t), _config.HeadCount, _config.HeadLength, angles);
            rope.Rotate(s.Key(t), _config.HeadCountKv, _config.HeadLength, angles);
        }

        StepToken token = s.Tokens[t];
        KvWriter.Store(token.Sequence, layer, token.Position, s.Key(t), s.Value(t));
    }

    private void NormalizeHeads(float* heads, int count, float* weight)
    {
        for (int h = 0; h < count; h++, heads += _config.HeadLength)
        {
            RmsNorm.Apply(heads, weight, _config.RmsEpsilon, _config.HeadLength, heads);
        }
    }

    private void AttendTile(int layer, int piece, int worker)
    {
        StepScratch s = _scratch;
        int kvHead = piece % _config.HeadCountKv;
        TokenTile tile = s.Tiles[piece / _config.HeadCountKv];
        int group = _config.HeadCount / _config.HeadCountKv;
        int head = kvHead * group * _config.HeadLength;
        AttentionForm form = _config.HasWindow(_range.First + layer) ? _window : _everything;
        Attention.Tile(s.Tokens[tile.First].Sequence, form, layer, kvHead, group, s.Tokens[tile.First].Position, tile.Count,
            s.Query(tile.First) + head, s.Attended(tile.First) + head, QueryLength, s.AttentionScratch(worker));
    }

    // x += Wdown · (silu or gelu(Wgate · norm(x)) ∘ Wup · norm(x)), after the attention's output was added; each normalized where it has a norm
    private void FeedForward(int layer, LayerWeights w, int tokens)
    {
        StepScratch s = _scratch;
        _rows.Prepare(w.Gate, w.Up, w.Down);
        _team.For(tokens, (t, _) =>
        {
            s.Tokens[t].Adapter?.Layers[layer].AttentionOutput?.AddTo(s.Attended(t), s.Normed(t));
            AddOutput(t, w.AttentionOutputNorm);
            RmsNorm.Apply(s.X(t), w.FeedForwardNorm, _config.RmsEpsilon, _config.EmbeddingLength, s.Normed(t));
            _rows.Write(t, s.Normed(t), w.Gate, w.Up);
        });
        Show("ffn_inp", layer, s.X(0), tokens * _config.EmbeddingLength);
        Show("ffn_norm", layer, s.Normed(0), tokens * _config.EmbeddingLength);
        MatMul.Expect(_team, tokens, w.Down);
        MatMul.Run(_team, tokens,
            new(w.Gate, _rows.For(w.Gate), s.Gate(0), _config.FeedForwardLength),   // [T][F]
            new(w.Up, _rows.For(w.Up), s.Up(0), _config.FeedForwardLength));        // [T][F]
        Show("ffn_gate", layer, s.Gate(0), tokens * _config.FeedForwardLength);
        Show("ffn_up", layer, s.Up(0), tokens * _config.FeedForwardLength);
        _team.For(tokens, (t, _) =>
        {
            if (s.Tokens[t].Adapter?.Layers[layer] is { } adapter)
            {
                adapter.Gate?.AddTo(s.Normed(t), s.Gate(t));
                adapter.Up?.AddTo(s.Normed(t), s.Up(t));
            }

            if (_config.GatesByGelu)
            {
                GeGlu.Apply(s.Gate(t), s.Up(t), _config.FeedForwardLength);
            }
            else
            {
                SwiGlu.Apply(s.Gate(t), s.Up(t), _config.FeedForwardLength);
            }

            _rows.Write(t, s.Gate(t), w.Down);
        });
        Show("ffn_swiglu", layer, s.Gate(0), tokens * _config.FeedForwardLength);
        ExpectLayer(layer + 1, tokens);
        MatMul.Run(_team, tokens, new MatMul.Product(w.Down, _rows.For(w.Down), s.Normed(0), _config.EmbeddingLength));
        Show("ffn_out", layer, s.Normed(0), tokens * _config.EmbeddingLength);
        _team.For(tokens, (t, _) =>
        {
            s.Tokens[t].Adapter?.Layers[layer].Down?.AddTo(s.Gate(t), s.Normed(t));
            AddOutput(t, w.DownNorm);
        });
        Show("l_out", layer, s.X(0), tokens * _config.EmbeddingLength);
    }

    private void ExpectLayer(int layer, int tokens)
    {
        if (layer < _weights.Layers.Length)
        {
            LayerWeights w = _weights.Layers[layer];
            MatMul.Expect(_team, tokens, w.Query, w.Key, w.Value);
        }
        else if (_range.HasEnds)
        {
            MatMul.Expect(_team, tokens, _weights.Output);
        }
    }

    // x += output, normalized where there is a norm for it                         [E]
    private void AddOutput(int t, float* norm)
    {
        float* output = _scratch.Normed(t);
        if (norm != null)
        {
            RmsNorm.Apply(output, norm, _config.RmsEpsilon, _config.EmbeddingLength, output);
        }

        Lanes.AddScaled(_scratch.X(t), output, 1, _config.EmbeddingLength);
    }

    // pool += norm(x), token by token                                              pool: [E]
    private void Pool(ReadOnlySpan<BatchSlice> slices)
    {
        int t = 0;
        foreach (BatchSlice slice in slices)
        {
            for (int last = t + slice.Tokens.Length; t < last; t++)
            {
                if (slice.Pool is { } pool)
                {
                    float* normed = _scratch.Normed(t);
                    RmsNorm.Apply(_scratch.X(t), _weights.OutputNorm, _config.RmsEpsilon, _config.EmbeddingLength, normed);
                    pool.Add(new ReadOnlySpan<float>(normed, _config.EmbeddingLength));
                }
            }
        }
    }

    // logits = cap(Woutput · norm(x)), for the rows asked for only                  [rows][V]
    private void Head(ReadOnlySpan<BatchSlice> slices, Span<float> logits)
    {
        StepScratch s = _scratch;
        int rows = s.MarkLogits(slices);
        if (rows == 0)
        {
            return;
        }

        Matrix head = _weights.Output;
        ArgumentOutOfRangeException.ThrowIfLessThan(logits.Length, rows * head.Rows, nameof(logits));
        _rows.Prepare(head);
        _team.For(rows, (row, _) =>
        {
            int t = s.LogitTokens[row];
            RmsNorm.Apply(s.X(t), _weights.OutputNorm, _config.RmsEpsilon, _config.EmbeddingLength, s.Normed(t));
            _rows.Write(row, s.Normed(t), head);
        });
        Show("result_norm", -1, s.Normed(0), rows * _config.EmbeddingLength);
        ExpectLayer(0, rows); // of the step after this
        fixed (float* output = logits)
        {
            MatMul.Run(_team, rows, new MatMul.Product(head, _rows.For(head), output, head.Rows));
            FinishLogits(rows, output, head.Rows);
            Show("result_output", -1, output, rows * head.Rows);
        }
    }

    private void FinishLogits(int rows, float* logits, int vocabulary)
    {
        for (int row = 0; row < rows; row++)
        {
            int t = _scratch.LogitTokens[row];
            _scratch.Tokens[t].Adapter?.Output?.AddTo(_scratch.Normed(t), logits + (long)row * vocabulary);
        }

        if (_config.LogitCap != 0)
        {
            _team.For(rows, (row, _) => SoftCap.Apply(logits + (long)row * vocabulary, vocabulary, _config.LogitCap));
        }
    }

    private void Show(string name, int layer, float* values, int length) =>
        Tap?.Invoke(name, layer < 0 ? layer : _range.First + layer, new ReadOnlySpan<float>(values, length));

    /// <exception cref="GgufException">A length is no multiple of 16.</exception>
    internal static void RequireWholeLanes(GgufFile file, ModelConfig config)
    {
        foreach ((string what, int length) in new[] { ("head length", config.HeadLength), ("embedding length", config.EmbeddingLength),
            ("feed-forward length", config.FeedForwardLength) })
        {
            if (length % Lanes.Count != 0)
            {
                throw new GgufException($"{file.Path}: the {what} is {length}; this engine computes in runs of {Lanes.Count} and needs a multiple of it.");
            }
        }
    }

    public void Dispose()
    {
        _scratch.Dispose();
        _rows.Dispose();
    }
}
