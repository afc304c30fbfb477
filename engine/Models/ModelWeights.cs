using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Models;

/// <summary>Arithmetic of a forward pass: the fast kernels, or the oracle with F32 activations and dequantized weights.</summary>
public enum Arithmetic { Default, Reference }

/// <summary>The mapped weights by their role. Nothing is copied: the mappings must outlive this.</summary>
internal sealed unsafe class ModelWeights
{
    private readonly GgufFile _file;
    private readonly Arithmetic _arithmetic;
    private readonly RowTwin? _twin;

    public ModelWeights(GgufFile file, ModelConfig config, Arithmetic arithmetic, RowTwin? twin)
    {
        _twin = twin;
        _file = file;
        _arithmetic = arithmetic;
        TokenEmbedding = Load("token_embd.weight");
        OutputNorm = Vector("output_norm.weight");
        Output = file.TryGetTensor("output.weight", out _) ? Load("output.weight") : TokenEmbedding;
        RopeFactors = file.TryGetTensor("rope_freqs.weight", out GgufTensor? factors)
            ? new ReadOnlySpan<float>(file.Data(factors), (int)factors.Columns).ToArray() : [];
        Layers = [.. Enumerable.Range(0, config.BlockCount).Select(i => new LayerWeights
        {
            AttentionNorm = Vector($"blk.{i}.attn_norm.weight"),
            Query = Load($"blk.{i}.attn_q.weight"),
            Key = Load($"blk.{i}.attn_k.weight"),
            Value = Load($"blk.{i}.attn_v.weight"),
            AttentionOutput = Load($"blk.{i}.attn_output.weight"),
            FeedForwardNorm = Vector($"blk.{i}.ffn_norm.weight"),
            Gate = Load($"blk.{i}.ffn_gate.weight"),
            Up = Load($"blk.{i}.ffn_up.weight"),
            Down = Load($"blk.{i}.ffn_down.weight"),
        })];
    }

    /// <summary>[vocabulary][embedding]</summary>
    public Matrix TokenEmbedding { get; }

    /// <summary>[embedding]</summary>
    public float* OutputNorm { get; }

    /// <summary>[vocabulary][embedding]; the token embedding where the file has no head of its own.</summary>
    public Matrix Output { get; }

    /// <summary>[rope dimensions / 2], or empty.</summary>
    public float[] RopeFactors { get; }

    public LayerWeights[] Layers { get; }

    private Matrix Load(string name)
    {
        GgufTensor tensor = Find(name);
        RowDot dot = _arithmetic == Arithmetic.Reference ? RowDot.Reference(tensor.Type) : RowDot.For(tensor.Type, Simd.Level);
        return new Matrix(tensor.Type, _file.Data(tensor), checked((int)tensor.Rows), checked((int)tensor.Columns), dot, _twin is null ? null : _twin.Rows(name));
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

    /// <summary>[embedding][heads · head length]</summary>
    public required Matrix AttentionOutput { get; init; }

    public required float* FeedForwardNorm { get; init; }

    /// <summary>[feed forward][embedding]</summary>
    public required Matrix Gate { get; init; }

    /// <summary>[feed forward][embedding]</summary>
    public required Matrix Up { get; init; }

    /// <summary>[embedding][feed forward]</summary>
    public required Matrix Down { get; init; }
}
