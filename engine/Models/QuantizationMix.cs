using System.Globalization;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Models;

/// <summary>A name that people quantize to, such as Q4_K_M: a tensor type for most weights, and which tensors get another.</summary>
/// <remarks>Which ones is llama.cpp's choice, so that a file of the same name is the same mix wherever it was made: the head has
/// six bits or eight; values and the inner products of the first, the last and every third block between have more than the
/// others. Blocks that a row cannot be cut into fall back to blocks of 32, as there.</remarks>
/// <param name="FileType">llama.cpp's number for <c>general.file_type</c>.</param>
/// <param name="Type">What most weights become.</param>
public sealed record QuantizationMix(string Name, uint FileType, GgmlType Type)
{
    public static IReadOnlyList<QuantizationMix> All { get; } =
    [
        new("F32", 0, GgmlType.F32), new("F16", 1, GgmlType.F16), new("BF16", 32, GgmlType.BF16),
        new("Q4_0", 2, GgmlType.Q4_0), new("Q4_1", 3, GgmlType.Q4_1), new("Q5_0", 8, GgmlType.Q5_0), new("Q5_1", 9, GgmlType.Q5_1),
        new("Q8_0", 7, GgmlType.Q8_0), new("Q2_K", 10, GgmlType.Q2_K), new("Q3_K_S", 11, GgmlType.Q3_K), new("Q3_K_M", 12, GgmlType.Q3_K),
        new("Q3_K_L", 13, GgmlType.Q3_K), new("Q4_K_S", 14, GgmlType.Q4_K), new("Q4_K_M", 15, GgmlType.Q4_K), new("Q5_K_S", 16, GgmlType.Q5_K),
        new("Q5_K_M", 17, GgmlType.Q5_K), new("Q6_K", 18, GgmlType.Q6_K), new("IQ4_NL", 25, GgmlType.IQ4_NL), new("IQ4_XS", 30, GgmlType.IQ4_XS),
    ];

    /// <summary>By name, in any case; Q3_K, Q4_K and Q5_K mean their medium mix. Null: there is none.</summary>
    public static QuantizationMix? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        string full = name.ToUpperInvariant() is "Q3_K" or "Q4_K" or "Q5_K" ? name + "_M" : name;
        return All.FirstOrDefault(mix => mix.Name.Equals(full, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The name of a file's mix: by what it says of itself, else by the type that most of its weights have.</summary>
    public static string NameOf(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        long type = file.Metadata.Integer("general.file_type", -1);
        return All.FirstOrDefault(mix => mix.FileType == type)?.Name
            ?? file.Tensors.GroupBy(static tensor => tensor.Type).MaxBy(static same => same.Sum(static tensor => tensor.Columns * tensor.Rows))?.Key.ToString() ?? "";
    }

    /// <summary>What a matrix becomes in this mix.</summary>
    /// <param name="tensor">Its name, e.g. blk.3.attn_v.weight.</param>
    /// <param name="columns">Length of its rows.</param>
    internal GgmlType TypeOf(string tensor, long columns, MixContext model)
    {
        if (!BlockFormat.TryGet(Type, out BlockFormat format) || format.Length == 1)
            return Type;
        string[] parts = tensor.Split('.');
        GgmlType type = parts switch
        {
            ["output", "weight"] => Head(columns % format.Length == 0),
            ["token_embd", "weight"] => model.TiedHead ? Head(columns % format.Length == 0) : Type,
            ["blk", var number, "attn_v" or "attn_qkv", "weight"] => Values(Number(number), model),
            ["blk", var number, "ffn_down", "weight"] => Down(Number(number), model),
            ["blk", _, "attn_output", "weight"] => AttentionOutput(),
            _ => Type,
        };
        return Fitting(type, columns);
    }

    private GgmlType Head(bool fits) => Type == GgmlType.Q8_0 || !fits ? GgmlType.Q8_0 : GgmlType.Q6_K;

    private GgmlType Values(int block, MixContext model)
    {
        bool shared = model.QueriesAKey >= 4;
        GgmlType type = Name switch
        {
            "Q2_K" => shared ? GgmlType.Q4_K : GgmlType.Q3_K,
            "Q3_K_M" => block < 2 ? GgmlType.Q5_K : GgmlType.Q4_K,
            "Q3_K_L" => GgmlType.Q5_K,
            "IQ4_NL" or "IQ4_XS" when shared => GgmlType.Q5_K,
            "Q4_K_M" or "Q5_K_M" when DeservesMore(block, model.Blocks) => GgmlType.Q6_K,
            "Q4_K_S" when block < 4 => GgmlType.Q5_K,
            _ => Type,
        };
        // eight query heads share a value head in the 70B models: the tensor is small, and more bits cost next to nothing
        return model.IsSeventyB && type is (GgmlType.Q3_K or GgmlType.Q4_K) ? GgmlType.Q5_K : type;
    }

    private GgmlType Down(int block, MixContext model) => Name switch
    {
        "Q2_K" => GgmlType.Q3_K,
        "Q3_K_M" => block < model.Blocks / 16 ? GgmlType.Q5_K : GgmlType.Q4_K,
        "Q3_K_L" => GgmlType.Q5_K,
        "Q4_K_M" or "Q5_K_M" when DeservesMore(block, model.Blocks) => GgmlType.Q6_K,
        "Q4_K_S" when block < model.Blocks / 8 => GgmlType.Q5_K,
        "IQ4_NL" or "IQ4_XS" when block < model.Blocks / 8 && !model.HasImportance => GgmlType.Q5_K,
        "Q4_0" when block < model.Blocks / 8 && model.HasImportance => GgmlType.Q4_1,
        "Q5_0" when block < model.Blocks / 8 && model.HasImportance => GgmlType.Q5_1,
        _ => Type,
    };

    private GgmlType AttentionOutput() => Name switch
    {
        "Q2_K" => GgmlType.Q3_K,
        "Q3_K_M" => GgmlType.Q4_K,
        "Q3_K_L" => GgmlType.Q5_K,
        _ => Type,
    };

    private static bool DeservesMore(int block, int blocks) =>
        block < blocks / 8 || block >= 7 * blocks / 8 || (block - (blocks / 8)) % 3 == 2;

    private static GgmlType Fitting(GgmlType type, long columns)
    {
        if (Fits(type, columns))
            return type;
        GgmlType small = type switch
        {
            GgmlType.Q2_K or GgmlType.Q3_K => GgmlType.Q4_0,
            GgmlType.Q4_K => GgmlType.Q5_0,
            GgmlType.Q5_K => GgmlType.Q5_1,
            GgmlType.Q6_K => GgmlType.Q8_0,
            GgmlType.IQ4_XS => GgmlType.IQ4_NL,
            _ => GgmlType.F16,
        };
        return Fits(small, columns) ? small : GgmlType.F16;
    }

    private static bool Fits(GgmlType type, long columns) => BlockFormat.TryGet(type, out BlockFormat format) && columns % format.Length == 0;

    private static int Number(string block) => int.Parse(block, NumberStyles.None, CultureInfo.InvariantCulture);
}

/// <summary>What of a model decides about its mix.</summary>
/// <param name="QueriesAKey">Query heads that share a key/value head.</param>
/// <param name="TiedHead">There is no output.weight.</param>
/// <param name="HasImportance">An importance matrix is at hand.</param>
/// <param name="IsSeventyB">Llama or Qwen2 of 80 blocks.</param>
internal sealed record MixContext(int Blocks, int QueriesAKey, bool TiedHead, bool HasImportance, bool IsSeventyB);
