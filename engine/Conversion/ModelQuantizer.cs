using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Conversion;

/// <param name="Mix">What to become.</param>
/// <param name="Importance">Null: every column counts the same.</param>
/// <param name="Pure">Every matrix gets the mix's own type.</param>
/// <param name="Requantize">Whether weights that are quantized already may lose a second time.</param>
/// <param name="Threads">Threads that compute; changes no byte.</param>
public sealed record QuantizeOptions(QuantizationMix Mix, ImportanceMatrix? Importance = null, bool Pure = false, bool Requantize = false, int Threads = 1)
{
    /// <summary>Added to the weights; null: none.</summary>
    public LoraAdapter? Adapter { get; init; }
}

/// <summary>What one tensor became.</summary>
public sealed record QuantizedTensor(string Name, GgmlType From, GgmlType To, long BytesBefore, long BytesAfter);

/// <summary>A model file again, in other tensor types: all metadata kept but those keys that name the types.</summary>
public static class ModelQuantizer
{
    private const uint QuantizationVersion = 2;

    /// <summary>Writes <paramref name="path"/>; nothing of it is left when it throws.</summary>
    /// <exception cref="GgufException">The source is no model, its weights cannot be written so, or are quantized already.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static IReadOnlyList<QuantizedTensor> Write(GgufFile source, string path, QuantizeOptions options, IProgress<double>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(options);
        options.Adapter?.RequireFor(source);
        QuantizedTensor[] plan = Plan(source, options);
        var writer = new GgufWriter(checked((int)source.Metadata.Integer("general.alignment", 32)));
        writer.AddAll(source.Metadata, static key => !key.StartsWith("quantize.imatrix.", StringComparison.Ordinal) && !key.StartsWith("split.", StringComparison.Ordinal)
            && key is not ("general.file_type" or "general.quantization_version"));
        writer.Add("general.quantization_version", QuantizationVersion).Add("general.file_type", options.Mix.FileType);
        Describe(writer, options.Importance);
        foreach ((GgufTensor tensor, QuantizedTensor target) in source.Tensors.Zip(plan))
        {
            float[]? importance = options.Importance?.For(tensor.Name, tensor.Columns);
            LoraAdapter? adapter = options.Adapter?.Changes(tensor.Name) == true ? options.Adapter : null;
            writer.AddTensor(tensor.Name, target.To, [.. tensor.Dimensions], tensor.Type == target.To && adapter is null
                ? Copied(source, tensor)
                : new RequantizedRows(source, tensor, target.To, importance, options.Threads, adapter).Fill);
        }

        writer.WriteFile(path, progress);
        return plan;
    }

    /// <summary>What each tensor will become, in the file's order.</summary>
    /// <exception cref="GgufException">As <see cref="Write"/>.</exception>
    public static QuantizedTensor[] Plan(GgufFile source, QuantizeOptions options)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(options);
        ModelConfig config = ModelConfig.From(source);
        var context = new MixContext(config.BlockCount, config.HeadCount / config.HeadCountKv, !source.TryGetTensor("output.weight", out _),
            options.Importance is not null, config is { Architecture: "llama" or "qwen2", BlockCount: 80 });
        return [.. source.Tensors.Select(tensor => Target(source, tensor, options, context))];
    }

    internal static unsafe GgufWriter.TensorFill Copied(GgufFile source, GgufTensor tensor) =>
        (chunk, offset) => new ReadOnlySpan<byte>(source.Data(tensor) + offset, chunk.Length).CopyTo(chunk);

    private static QuantizedTensor Target(GgufFile source, GgufTensor tensor, QuantizeOptions options, MixContext context)
    {
        bool isMatrix = tensor.Dimensions.Count >= 2 && tensor.Name.EndsWith("weight", StringComparison.Ordinal)
            && !tensor.Name.EndsWith("_norm.weight", StringComparison.Ordinal);
        GgmlType to = !isMatrix ? tensor.Type
            : options.Pure ? Pure(source, tensor, options.Mix.Type) : options.Mix.TypeOf(tensor.Name, tensor.Columns, context);
        if ((to != tensor.Type || options.Adapter?.Changes(tensor.Name) == true) && !options.Requantize && IsQuantized(tensor.Type))
        {
            throw new GgufException($"{source.Path}: the tensor '{tensor.Name}' is quantized already ({tensor.Type}); to {to} it would lose a second time. "
                + "Start from an F32, F16 or BF16 file, or allow it (--requantize).");
        }

        BlockFormat.TryGet(to, out BlockFormat format);
        return new QuantizedTensor(tensor.Name, tensor.Type, to, tensor.ByteLength, tensor.Columns / format.Length * format.Bytes * tensor.Rows);
    }

    private static GgmlType Pure(GgufFile source, GgufTensor tensor, GgmlType type) =>
        BlockFormat.TryGet(type, out BlockFormat format) && tensor.Columns % format.Length == 0 ? type
            : throw new GgufException($"{source.Path}: rows of {tensor.Columns} weights ('{tensor.Name}') cannot be cut into {type}'s blocks of {format.Length}; without --pure such tensors get another type.");

    private static bool IsQuantized(GgmlType type) => BlockFormat.TryGet(type, out BlockFormat format) && format.Length > 1;

    private static void Describe(GgufWriter writer, ImportanceMatrix? importance)
    {
        if (importance is null)
            return;
        writer.Add("quantize.imatrix.file", Path.GetFileName(importance.Path));
        if (importance.Dataset is { Length: > 0 } dataset)
            writer.Add("quantize.imatrix.dataset", dataset);
        writer.Add("quantize.imatrix.entries_count", (uint)importance.Count);
        if (importance.Chunks is { } chunks)
            writer.Add("quantize.imatrix.chunks_count", (uint)chunks);
    }
}
