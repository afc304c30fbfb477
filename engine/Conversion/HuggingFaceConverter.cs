using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Conversion;

/// <param name="Mix">What the matrices become; null: what they are in the checkpoint.</param>
/// <param name="Name">general.name; null: the folder's.</param>
/// <param name="Threads">Threads that compute; changes no byte.</param>
public sealed record ConvertOptions(QuantizationMix? Mix = null, string? Name = null, int Threads = 1);

/// <summary>A Hugging Face folder (config.json, tokenizer.json, weights) as one GGUF file.</summary>
public static class HuggingFaceConverter
{
    /// <summary>Writes <paramref name="path"/>; nothing of it is left when it throws.</summary>
    /// <exception cref="CheckpointException">The folder cannot be used; the message names file and place.</exception>
    /// <exception cref="GgufException">What was written is no model this engine runs.</exception>
    public static void Write(string folder, string path, ConvertOptions options, IProgress<double>? progress = null)
    {
        using var plan = ConversionPlan.Of(folder, options);
        plan.Writer.WriteFile(path, progress, static partial =>
        {
            using GgufFile written = GgufFile.Open(partial);
            ModelConfig.From(written);
        });
    }
}
