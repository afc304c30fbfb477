using System.Runtime.InteropServices;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Conversion;

/// <summary>A tensor of the GGUF file that a folder becomes.</summary>
/// <param name="Dimensions">Fastest first.</param>
/// <param name="Fill">Gives its bytes.</param>
/// <param name="Place">The file and the offset where just these bytes lie already; null: nowhere.</param>
internal sealed record PlannedTensor(string Name, GgmlType Type, long[] Dimensions, GgufWriter.TensorFill Fill, (string File, long Offset)? Place)
{
    /// <summary>Of all its rows.</summary>
    public long Bytes => SourceTensor.Count(Dimensions) / Format.Length * Format.Bytes;

    private BlockFormat Format => BlockFormat.TryGet(Type, out BlockFormat format) ? format : throw new InvalidOperationException($"{Type} has no layout.");
}

/// <summary>How a Hugging Face folder becomes GGUF: keys and tensors, ready to be written or to be read where they are. Every tensor of the
/// checkpoint must have a place in the model: what would be left out in silence would be missing in every answer.</summary>
internal sealed class ConversionPlan : IDisposable
{
    private static readonly Dictionary<string, string> Outer = new(StringComparer.Ordinal)
    {
        ["model.embed_tokens.weight"] = "token_embd.weight",
        ["model.norm.weight"] = "output_norm.weight",
        ["lm_head.weight"] = "output.weight",
    };

    private static readonly Dictionary<string, string> Inner = new(StringComparer.Ordinal)
    {
        ["input_layernorm"] = "attn_norm",
        ["self_attn.q_proj"] = "attn_q",
        ["self_attn.k_proj"] = "attn_k",
        ["self_attn.v_proj"] = "attn_v",
        ["self_attn.o_proj"] = "attn_output",
        ["self_attn.q_norm"] = "attn_q_norm",
        ["self_attn.k_norm"] = "attn_k_norm",
        ["post_attention_layernorm"] = "ffn_norm",
        ["mlp.gate_proj"] = "ffn_gate",
        ["mlp.up_proj"] = "ffn_up",
        ["mlp.down_proj"] = "ffn_down",
    };

    /// <summary>Of Gemma, which has norms before and behind; the one called post_attention_layernorm is another than in a llama.</summary>
    private static readonly Dictionary<string, string> InnerOfGemma = new(Inner, StringComparer.Ordinal)
    {
        ["post_attention_layernorm"] = "post_attention_norm",
        ["pre_feedforward_layernorm"] = "ffn_norm",
        ["post_feedforward_layernorm"] = "post_ffw_norm",
    };

    private readonly HuggingFaceFolder _weights;
    private readonly List<PlannedTensor> _tensors = [];

    private ConversionPlan(HuggingFaceFolder weights) => _weights = weights;

    /// <summary>Has all keys and tensors.</summary>
    public GgufWriter Writer { get; } = new();

    /// <summary>In the file's order.</summary>
    public IReadOnlyList<PlannedTensor> Tensors => _tensors;

    /// <summary>Whether the weights lie in PyTorch's archives.</summary>
    public bool IsTorch => _weights.Tensors.Values.Any(static tensor => tensor.Place is null);

    /// <exception cref="CheckpointException">The folder cannot be used; the message names file and place.</exception>
    public static ConversionPlan Of(string folder, ConvertOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var plan = new ConversionPlan(HuggingFaceFolder.Open(folder));
        try
        {
            plan.Read(folder, options);
            return plan;
        }
        catch
        {
            plan.Dispose();
            throw;
        }
    }

    public void Dispose() => _weights.Dispose();

    private void Read(string folder, ConvertOptions options)
    {
        using HuggingFaceJson configJson = HuggingFaceJson.Open(Path.Combine(folder, "config.json")), tokenizerJson = HuggingFaceJson.Open(Path.Combine(folder, "tokenizer.json"));
        using HuggingFaceJson? settings = HuggingFaceJson.TryOpen(folder, "tokenizer_config.json");
        var config = new HuggingFaceConfig(configJson);
        QuantizationMix mix = options.Mix ?? MixOf(_weights);
        Writer.Add("general.architecture", config.Architecture).Add("general.type", "model")
            .Add("general.name", options.Name ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))))
            .Add("general.quantization_version", 2u).Add("general.file_type", mix.FileType);
        config.AddTo(Writer);
        new HuggingFaceTokenizer(tokenizerJson, config.Vocabulary).AddTo(Writer, settings, configJson, HuggingFaceTokenizer.Template(folder, settings));
        AddTensors(config, mix, options.Threads);
    }

    private static QuantizationMix MixOf(HuggingFaceFolder weights) => weights.Tensors.Values.Where(static t => t.Shape.Count == 2)
        .GroupBy(static t => t.Type).OrderByDescending(static group => group.Sum(static t => SourceTensor.Count(t.Shape)))
        .Select(static group => QuantizationMix.Find($"{group.Key}")!).FirstOrDefault() ?? QuantizationMix.Find("F32")!;

    private void AddTensors(HuggingFaceConfig config, QuantizationMix mix, int threads)
    {
        var context = new MixContext(config.Blocks, config.Heads / config.HeadsKv, config.IsTied, HasImportance: false,
            config is { Architecture: "llama" or "qwen2", Blocks: 80 });
        foreach ((string name, SourceTensor tensor) in _weights.Tensors.Values.Where(tensor => !IsLeftOut(tensor.Name, config))
            .Select(tensor => (Name: NameOf(_weights, tensor.Name, config.Gemma is null ? Inner : InnerOfGemma), tensor)).OrderBy(static pair => Order(pair.Name)))
        {
            bool isPermuted = config.IsInterleaved && tensor.Shape.Count == 2 && name.Split('.') is [_, _, "attn_q" or "attn_k", _];
            long columns = tensor.Shape[^1], rows = SourceTensor.Count(tensor.Shape) / columns;
            GgmlType type = tensor.Shape.Count == 1 ? GgmlType.F32 : mix.TypeOf(name, columns, context);
            long[] dimensions = [.. tensor.Shape.Reverse()];
            if (isPermuted && rows % config.HeadLength != 0)
                throw new CheckpointException($"{_weights.Path}: the tensor '{tensor.Name}' has {rows} rows, which are no whole heads of {config.HeadLength}.");
            float added = config.Gemma is not null && name.EndsWith("norm.weight", StringComparison.Ordinal) ? 1 : 0;
            var rowsThere = new ConvertedRows(_weights.Path, tensor, type, isPermuted ? config.HeadLength : 0, added, threads);
            Add(new(name, type, dimensions, rowsThere.Fill, type == tensor.Type && !isPermuted && added == 0 ? tensor.Place : null));
        }

        if (config.RopeFactors is { } factors)
            Add(new(ModelTensors.RopeFactors, GgmlType.F32, [factors.Length], (chunk, offset) => MemoryMarshal.AsBytes(factors.AsSpan()).Slice((int)offset, chunk.Length).CopyTo(chunk), null));
    }

    private void Add(PlannedTensor tensor)
    {
        _tensors.Add(tensor);
        Writer.AddTensor(tensor.Name, tensor.Type, tensor.Dimensions, tensor.Fill);
    }

    /// <summary>A tied head that a checkpoint writes out all the same, and buffers of old files that the configuration makes anew.</summary>
    private static bool IsLeftOut(string name, HuggingFaceConfig config) =>
        (config.IsTied && name == "lm_head.weight") || name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal);

    private static string NameOf(HuggingFaceFolder weights, string name, Dictionary<string, string> inners)
    {
        if (Outer.TryGetValue(name, out string? outer))
            return outer;
        string[] parts = name.Split('.');
        if (parts is ["model", "layers", var block, .. var middle, "weight" or "bias"] && inners.TryGetValue(string.Join('.', middle), out string? inner)
            && int.TryParse(block, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int number))
            return $"blk.{number}.{inner}.{parts[^1]}";
        throw new CheckpointException($"{weights.Path}: the tensor {GgufText.Describe(name, 200)} has no place in a model as this converter knows it. Its answers would be wrong without it.");
    }

    private static (int Block, string Name) Order(string name) => name.Split('.') is ["blk", var number, ..]
        ? (int.Parse(number, System.Globalization.CultureInfo.InvariantCulture), name) : (name == "token_embd.weight" ? -1 : int.MaxValue, name);
}
