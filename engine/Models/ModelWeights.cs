using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Pipeline;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Models;

/// <summary>Arithmetic of a forward pass: the fast kernels, or the oracle with F32 activations and dequantized weights.</summary>
public enum Arithmetic { Default, Reference }

/// <summary>The mapped weights by their role. Nothing is copied, and nothing read before it is needed: the mappings must outlive this.</summary>
internal sealed unsafe class ModelWeights
{
    private readonly GgufFile _file;
    private readonly Arithmetic _arithmetic;
    private readonly RowTwin? _twin;

    public ModelWeights(GgufFile file, ModelConfig config, Arithmetic arithmetic, RowTwin? twin, LayerRange range)
    {
        _twin = twin;
        _file = file;
        _arithmetic = arithmetic;
        TokenEmbedding = Load("token_embd.weight");
        OutputNorm = Vector("output_norm.weight");
        Output = file.TryGetTensor("output.weight", out _) ? Load("output.weight") : TokenEmbedding;
        RopeFactors = file.TryGetTensor("rope_freqs.weight", out GgufTensor? factors)
            ? new ReadOnlySpan<float>(file.Data(factors), (int)factors.Columns).ToArray() : [];
        Layers = [.. Enumerable.Range(range.First, range.Count).Select(i => Layer(config, $"blk.{i}."))];
    }

    /// <summary>[vocabulary][embedding]</summary>
    public Matrix TokenEmbedding { get; }

    /// <summary>[embedding]</summary>
    public float* OutputNorm { get; }

    /// <summary>[vocabulary][embedding]; the token embedding where the file has no head of its own.</summary>
    public Matrix Output { get; }

    /// <summary>[rope dimensions / 2], or empty.</summary>
    public float[] RopeFactors { get; }

    /// <summary>Of the range.</summary>
    public LayerWeights[] Layers { get; }

    private LayerWeights Layer(ModelConfig config, string block)
    {
        int query = config.HeadCount * config.HeadLength, key = config.HeadCountKv * config.HeadLength, inner = config.FeedForwardLength;
        bool fused = config.IsFused, bias = config.HasAttentionBias;
        return new LayerWeights
        {
            AttentionNorm = Vector(block + "attn_norm.weight"),
            Query = fused ? Rows(block + "attn_qkv.weight", 0, query) : Load(block + "attn_q.weight"),
            Key = fused ? Rows(block + "attn_qkv.weight", query, key) : Load(block + "attn_k.weight"),
            Value = fused ? Rows(block + "attn_qkv.weight", query + key, key) : Load(block + "attn_v.weight"),
            QueryBias = bias ? Vector(block + "attn_q.bias") : null,
            KeyBias = bias ? Vector(block + "attn_k.bias") : null,
            ValueBias = bias ? Vector(block + "attn_v.bias") : null,
            QueryNorm = config.NormalizesHeads ? Vector(block + "attn_q_norm.weight") : null,
            KeyNorm = config.NormalizesHeads ? Vector(block + "attn_k_norm.weight") : null,
            AttentionOutput = Load(block + "attn_output.weight"),
            AttentionOutputNorm = config.NormalizesOutputs ? Vector(block + "post_attention_norm.weight") : null,
            FeedForwardNorm = Vector(block + "ffn_norm.weight"),
            Gate = fused ? Rows(block + "ffn_up.weight", 0, inner) : Load(block + "ffn_gate.weight"),
            Up = fused ? Rows(block + "ffn_up.weight", inner, inner) : Load(block + "ffn_up.weight"),
            Down = Load(block + "ffn_down.weight"),
            DownNorm = config.NormalizesOutputs ? Vector(block + "post_ffw_norm.weight") : null,
        };
    }

    private Matrix Load(string name) => Rows(name, 0, checked((int)Find(name).Rows));

    /// <summary>Some rows of a tensor. Its twin's groups of sixteen are of use where they begin with the first row wanted.</summary>
    private Matrix Rows(string name, int first, int count)
    {
        GgufTensor tensor = Find(name);
        RowDot dot = _arithmetic == Arithmetic.Reference ? RowDot.Reference(tensor.Type) : RowDot.For(tensor.Type, Simd.Level);
        long offset = tensor.ByteLength / tensor.Rows * first;
        byte* groups = _twin is null ? null : _twin.Rows(name);
        bool whole = first % GroupLayout.Rows == 0 && count % GroupLayout.Rows == 0;
        return new Matrix(tensor.Type, _file.Data(tensor) + offset, count, checked((int)tensor.Columns), dot, groups == null || !(whole || count == tensor.Rows) ? null : groups + offset);
    }

    private float* Vector(string name) => (float*)_file.Data(Find(name));

    private GgufTensor Find(string name) => _file.TryGetTensor(name, out GgufTensor? tensor) ? tensor
        : throw new GgufException($"{_file.Path}: tensor '{name}' is missing, but the model's shape asks for it.");
}

/// <summary>One block. Norms are [embedding]; matrices are [outputs][inputs].</summary>
internal sealed unsafe class LayerWeights
{
    public required float* AttentionNorm { get; init; }

    /// <summary>[heads · head length][embedding]</summary>
    public required Matrix Query { get; init; }

    /// <summary>[kv heads · head length][embedding]</summary>
    public required Matrix Key { get; init; }

    /// <summary>[kv heads · head length][embedding]</summary>
    public required Matrix Value { get; init; }

    /// <summary>[heads · head length], or null: none.</summary>
    public float* QueryBias { get; init; }

    /// <summary>[kv heads · head length], or null: none.</summary>
    public float* KeyBias { get; init; }

    /// <summary>[kv heads · head length], or null: none.</summary>
    public float* ValueBias { get; init; }

    /// <summary>[head length], or null: query heads are not normalized.</summary>
    public float* QueryNorm { get; init; }

    /// <summary>[head length], or null: key heads are not normalized.</summary>
    public float* KeyNorm { get; init; }

    /// <summary>[embedding][heads · head length]</summary>
    public required Matrix AttentionOutput { get; init; }

    /// <summary>Or null: attention's output is not normalized.</summary>
    public float* AttentionOutputNorm { get; init; }

    public required float* FeedForwardNorm { get; init; }

    /// <summary>[feed forward][embedding]</summary>
    public required Matrix Gate { get; init; }

    /// <summary>[feed forward][embedding]</summary>
    public required Matrix Up { get; init; }

    /// <summary>[embedding][feed forward]</summary>
    public required Matrix Down { get; init; }

    /// <summary>Or null: the feed-forward part's output is not normalized.</summary>
    public float* DownNorm { get; init; }
}
