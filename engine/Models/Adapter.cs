using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Models;

/// <summary>A LoRA adapter at work beside a model's weights (Hu et al. 2021): of each matrix that it changes, W · x becomes
/// W · x + scale · B · (A · x), for the tokens of the sequences that ask for it and for no others. One order of additions, whatever the
/// batch: each row of A is one dot product, then B's columns are added rank by rank. Its floats are the garbage collector's, so
/// it lives as long as any answer that uses it. Immutable.</summary>
public sealed class Adapter
{
    private Adapter(string hash, LayerAdapter[] layers, LowRank? output) => (Hash, Layers, Output) = (hash, layers, output);

    /// <summary>Identifies its weights and its scale.</summary>
    public string Hash { get; }

    internal LayerAdapter[] Layers { get; }

    /// <summary>Of the head; null: unchanged.</summary>
    internal LowRank? Output { get; }

    /// <param name="path">A GGUF file of type adapter.</param>
    /// <param name="scale">How much of it, 1 as it was trained.</param>
    /// <param name="model">Whose weights it changes.</param>
    /// <exception cref="GgufException">No LoRA adapter, or one of another model; the message says what does not fit.</exception>
    public static Adapter Load(string path, float scale, GgufFile model)
    {
        ArgumentNullException.ThrowIfNull(model);
        using LoraAdapter file = LoraAdapter.Open(path, scale);
        file.RequireFor(model);
        ModelConfig config = ModelConfig.From(model);
        LayerAdapter[] layers = [.. Enumerable.Range(0, config.BlockCount).Select(i => LayerAdapter.Of(file, config, $"blk.{i}."))];
        var output = LowRank.Of(file, "output.weight");
        int placed = layers.Sum(static layer => layer.Tensors) + (output is null ? 0 : 1);
        return placed == file.Names.Count() ? new Adapter(file.Hash, layers, output)
            : throw new GgufException($"{path}: it changes tensors that have no matrix product (norms or biases); such an adapter can be merged with smol quantize --lora.");
    }
}

/// <summary>Of one layer; null: unchanged.</summary>
internal sealed record LayerAdapter(LowRank? Query, LowRank? Key, LowRank? Value, LowRank? AttentionOutput, LowRank? Gate, LowRank? Up, LowRank? Down, int Tensors)
{
    public static LayerAdapter Of(LoraAdapter file, ModelConfig config, string block)
    {
        int query = config.HeadCount * config.HeadLength, key = config.HeadCountKv * config.HeadLength, inner = config.FeedForwardLength;
        LowRank? output = LowRank.Of(file, block + "attn_output.weight"), down = LowRank.Of(file, block + "ffn_down.weight"), up = LowRank.Of(file, block + "ffn_up.weight");
        if (config.IsFused)
        {
            LowRank? all = LowRank.Of(file, block + "attn_qkv.weight");
            return new(all?.Slice(0, query), all?.Slice(query, key), all?.Slice(query + key, key), output, up?.Slice(0, inner), up?.Slice(inner, inner), down,
                Count(all, output, up, down));
        }

        LowRank? q = LowRank.Of(file, block + "attn_q.weight"), k = LowRank.Of(file, block + "attn_k.weight"), v = LowRank.Of(file, block + "attn_v.weight"), gate = LowRank.Of(file, block + "ffn_gate.weight");
        return new(q, k, v, output, gate, up, down, Count(q, k, v, output, gate, up, down));
    }

    private static int Count(params ReadOnlySpan<LowRank?> pairs)
    {
        int count = 0;
        foreach (LowRank? pair in pairs)
            count += pair is null ? 0 : 1;
        return count;
    }
}

/// <summary>What is added to one matrix product: rows × columns of low rank.</summary>
/// <param name="a">[rank][columns]</param>
/// <param name="b">[rank][stride], of which rows from the first</param>
internal sealed unsafe class LowRank(float[] a, float[] b, int rank, int columns, int first, int rows, float scale)
{
    private readonly int _stride = b.Length / rank;

    /// <returns>Null: the adapter does not change this tensor.</returns>
    public static LowRank? Of(LoraAdapter file, string tensor)
    {
        if (!file.Changes(tensor))
            return null;
        (float[] a, float[] b, int rank, float scale) = file.Factors(tensor);
        int rows = b.Length / rank;
        float[] turned = new float[b.Length]; // [rank][rows], so that a rank is added in one run
        for (int row = 0; row < rows; row++)
        {
            for (int r = 0; r < rank; r++)
                turned[(r * rows) + row] = b[(row * rank) + r];
        }

        return new(a, turned, rank, a.Length / rank, 0, rows, scale);
    }

    /// <summary>Of some rows of the matrix.</summary>
    public LowRank Slice(int from, int count) => new(a, b, rank, columns, first + from, count, scale);

    /// <summary>output += scale · B · (A · input)</summary>
    /// <param name="input">[columns], a multiple of 16</param>
    /// <param name="output">[rows]</param>
    public void AddTo(float* input, float* output)
    {
        fixed (float* down = a, up = b)
        {
            for (int r = 0; r < rank; r++)
            {
                float factor = Lanes.Dot(down + ((long)r * columns), input, columns) * scale;
                float* column = up + ((long)r * _stride) + first;
                int whole = rows / Lanes.Count * Lanes.Count;
                Lanes.AddScaled(output, column, factor, whole);
                for (int row = whole; row < rows; row++)
                    output[row] = MathF.FusedMultiplyAdd(column[row], factor, output[row]);
            }
        }
    }
}
