using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Quantization;
using SmolCluster.Engine.Text;
using SmolCluster.Engine.Text.Templates;

namespace SmolCluster.Cli;

/// <param name="Problem">Null: it is as it should be.</param>
internal sealed record CheckResult(string What, string? Problem);

/// <summary>Reads all of a file: every weight must be a finite number, the vocabulary and the template must be usable.</summary>
internal static class FileCheck
{
    public static IReadOnlyList<CheckResult> Run(GgufFile file, IProgress<double> progress)
    {
        progress.Report(0);
        return
        [
            Try("shape: keys and tensors belong together", () => ModelConfig.From(file)),
            Try("vocabulary", () => Tokenizer.From(file)),
            Try("chat template", () => ChatTemplate.From(file)),
            new("weights: all finite", Weights(file, progress)),
        ];
    }

    private static CheckResult Try(string what, Action read)
    {
        try
        {
            read();
            return new(what, null);
        }
        catch (Exception problem) when (problem is GgufException or TemplateException)
        {
            return new(what, problem.Message);
        }
    }

    private static string? Weights(GgufFile file, IProgress<double> progress)
    {
        long all = ModelTensors.WeightBytes(file), read = 0;
        foreach (GgufTensor tensor in file.Tensors)
        {
            if (OddRow(file, tensor) is var row and >= 0)
                return $"row {row} of '{tensor.Name}' holds a weight that is no finite number; the file is damaged";
            read += tensor.ByteLength;
            progress.Report((double)read / all);
        }

        return null;
    }

    private static unsafe long OddRow(GgufFile file, GgufTensor tensor)
    {
        long odd = -1, rowBytes = tensor.ByteLength / tensor.Rows;
        Parallel.For(0, tensor.Rows, () => new float[tensor.Columns], (row, loop, floats) =>
        {
            fixed (float* destination = floats)
                Dequantizer.Row(tensor.Type, file.Data(tensor) + (row * rowBytes), floats.Length, destination);
            if (!floats.All(float.IsFinite))
            {
                Interlocked.Exchange(ref odd, row);
                loop.Stop();
            }

            return floats;
        }, static _ => { });
        return odd;
    }
}
