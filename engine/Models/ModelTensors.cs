using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Models;

/// <summary>The tensors that a model's shape asks for, and the proof that a file has these and no others: a tensor nobody
/// reads (a bias, an expert) would mean wrong answers without a word.</summary>
public static class ModelTensors
{
    /// <summary>Optional divisors of RoPE's frequencies (Llama 3 writes its scaling this way), F32 [rope dimensions / 2].</summary>
    public const string RopeFactors = "rope_freqs.weight";

    /// <summary>Bytes of all tensors, which the forward pass reads once a step save for the embeddings.</summary>
    public static long WeightBytes(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return file.Tensors.Sum(static t => t.ByteLength);
    }

    /// <summary>Weights, counting tied embeddings once.</summary>
    public static long WeightCount(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return file.Tensors.Sum(static t => t.Columns * t.Rows);
    }

    /// <exception cref="GgufException">A tensor is missing, of another shape or type, or not known.</exception>
    internal static void Validate(GgufFile file, ModelConfig config)
    {
        Need[] needs = [.. Needs(config)];
        Need[] missing = [.. needs.Where(n => !n.Optional && !file.TryGetTensor(n.Name, out _))];
        if (missing.Length > 0)
        {
            throw new GgufException($"{file.Path}: the tensor '{missing[0].Name}' is missing"
                + (missing.Length > 1 ? $", and {missing.Length - 1} more" : "") + $"; a {config.Architecture} model of "
                + $"{config.BlockCount} blocks needs {missing[0]}. The file holds {file.Tensors.Count} tensors"
                + (file.Tensors.Count == 0 ? " (it is a vocabulary only); get the whole model."
                    : "; convert or download the model again."));
        }

        foreach (Need need in needs)
        {
            if (file.TryGetTensor(need.Name, out GgufTensor? tensor))
                CheckShape(file, need, tensor);
        }

        var known = needs.Select(static n => n.Name).ToHashSet(StringComparer.Ordinal);
        if (file.Tensors.FirstOrDefault(t => !known.Contains(t.Name)) is GgufTensor unknown)
        {
            throw new GgufException($"{file.Path}: the tensor {GgufText.Describe(unknown.Name, 80)} {Shape(unknown)} has no place in a "
                + $"{config.Architecture} model of {config.BlockCount} blocks as this engine knows it (no biases, no experts). "
                + "Its answers would be wrong; choose another model.");
        }

        CheckRopeFactors(file);
    }

    private static void CheckShape(GgufFile file, Need need, GgufTensor tensor)
    {
        if (!tensor.Dimensions.SequenceEqual(need.Dimensions) || (need.IsVector && tensor.Type != GgmlType.F32))
        {
            throw new GgufException($"{file.Path}: the tensor '{need.Name}' is {tensor.Type} {Shape(tensor)}; the metadata asks for "
                + $"{need}. "
                + "Metadata and tensors do not belong together; convert the model again.");
        }
    }

    private static unsafe void CheckRopeFactors(GgufFile file)
    {
        if (!file.TryGetTensor(RopeFactors, out GgufTensor? tensor))
            return;
        foreach (float factor in new ReadOnlySpan<float>(file.Data(tensor), (int)tensor.Columns))
        {
            if (!(factor is > 0 and < float.PositiveInfinity))
                throw new GgufException($"{file.Path}: the tensor '{RopeFactors}' holds {factor}; expected finite factors above 0. The "
                    + "file is damaged.");
        }
    }

    private static IEnumerable<Need> Needs(ModelConfig c)
    {
        int query = c.HeadCount * c.HeadLength;
        yield return new("token_embd.weight", false, c.EmbeddingLength, c.VocabularyLength);
        yield return new("output_norm.weight", false, c.EmbeddingLength);
        yield return new("output.weight", true, c.EmbeddingLength, c.VocabularyLength);
        if (!c.NormalizesOutputs) // Gemma has two kinds of layers, and none of its files says of which the factors would be
            yield return new(RopeFactors, true, c.Rope.Dimensions / 2);
        for (int i = 0; i < c.BlockCount; i++)
        {
            yield return new($"blk.{i}.attn_norm.weight", false, c.EmbeddingLength);
            foreach (Need need in Attention(c, i))
                yield return need;
            yield return new($"blk.{i}.attn_output.weight", false, query, c.EmbeddingLength);
            yield return new($"blk.{i}.ffn_norm.weight", false, c.EmbeddingLength);
            if (c.NormalizesOutputs)
            {
                yield return new($"blk.{i}.post_attention_norm.weight", false, c.EmbeddingLength);
                yield return new($"blk.{i}.post_ffw_norm.weight", false, c.EmbeddingLength);
            }

            if (!c.IsFused)
                yield return new($"blk.{i}.ffn_gate.weight", false, c.EmbeddingLength, c.FeedForwardLength);
            yield return new($"blk.{i}.ffn_up.weight", false, c.EmbeddingLength, (c.IsFused ? 2 : 1) * (long)c.FeedForwardLength);
            yield return new($"blk.{i}.ffn_down.weight", false, c.FeedForwardLength, c.EmbeddingLength);
        }
    }

    private static IEnumerable<Need> Attention(ModelConfig c, int i)
    {
        int query = c.HeadCount * c.HeadLength, key = c.HeadCountKv * c.HeadLength;
        if (c.IsFused)
        {
            yield return new($"blk.{i}.attn_qkv.weight", false, c.EmbeddingLength, query + (2L * key));
            yield break;
        }

        foreach ((string name, int length) in new[] { ("attn_q", query), ("attn_k", key), ("attn_v", key) })
        {
            yield return new($"blk.{i}.{name}.weight", false, c.EmbeddingLength, length);
            if (c.HasAttentionBias)
                yield return new($"blk.{i}.{name}.bias", false, length);
        }

        if (c.NormalizesHeads)
        {
            yield return new($"blk.{i}.attn_q_norm.weight", false, c.HeadLength);
            yield return new($"blk.{i}.attn_k_norm.weight", false, c.HeadLength);
        }
    }

    private static string Shape(GgufTensor tensor) => $"[{string.Join(", ", tensor.Dimensions)}]";

    private sealed record Need(string Name, bool Optional, params long[] Dimensions)
    {
        public bool IsVector => Dimensions.Length == 1;

        public override string ToString() => $"[{string.Join(", ", Dimensions)}]{(IsVector ? " in F32" : "")}";
    }
}
