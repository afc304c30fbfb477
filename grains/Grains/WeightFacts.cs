using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;

namespace SmolCluster.Grains;

/// <summary>What people tell models of one family apart by.</summary>
/// <param name="Count">Weights in all tensors.</param>
/// <param name="Quantization">As people name it, e.g. Q4_K_M.</param>
public sealed record WeightFacts(long Count, string Quantization)
{
    /// <summary>By a file's header alone.</summary>
    public static WeightFacts Of(string path)
    {
        using var file = HuggingFaceModel.OpenAny(path);
        long type = file.Metadata.Integer("general.file_type", -1);
        return new(file.Tensors.Sum(Weights), QuantizationMix.All.FirstOrDefault(mix => mix.FileType == type)?.Name ?? MostUsed(file));
    }

    /// <summary>A file that does not say what it is: the type that most of its weights have.</summary>
    private static string MostUsed(GgufFile file) => file.Tensors.GroupBy(static tensor => tensor.Type).MaxBy(static same => same.Sum(Weights))?.Key.ToString() ?? "";

    private static long Weights(GgufTensor tensor) => tensor.Columns * tensor.Rows;
}
