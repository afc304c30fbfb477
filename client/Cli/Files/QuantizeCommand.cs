using System.CommandLine;
using System.Globalization;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Cli.Files;

/// <summary><c>smol quantize IN OUT TYPE</c>: a model file again in fewer bits (or more).</summary>
internal static class QuantizeCommand
{
    public static Command Create()
    {
        var source = new Argument<string>("IN") { Description = "A GGUF file, best in F32, F16 or BF16" };
        var target = new Argument<string>("OUT") { Description = "The GGUF file to write" };
        var type = new Argument<string>("TYPE") { Description = $"One of {string.Join(", ", QuantizationMix.All.Select(static mix => mix.Name))}; Q3_K, Q4_K and Q5_K mean their medium mix" };
        var importance = new Option<string?>("--imatrix") { Description = "How much each column counts, as llama.cpp's imatrix measures it (GGUF or .dat)", HelpName = "FILE" };
        var lora = new Option<string?>("--lora") { Description = "A LoRA adapter (GGUF) to add to the weights", HelpName = "FILE" };
        var loraScale = new Option<float>("--lora-scale") { Description = "How much of the adapter", DefaultValueFactory = static _ => 1 };
        var pure = new Option<bool>("--pure") { Description = "Every matrix in TYPE's own format, none in another" };
        var again = new Option<bool>("--requantize") { Description = "Take a file that is quantized already, though it loses a second time" };
        var force = new Option<bool>("--force") { Description = "Replace OUT where it is there" };
        var threads = new Option<int?>("--threads") { Description = "Threads that compute; changes no byte (default: one a processor)" };
        var json = new Option<bool>("--json") { Description = "{file, bytesBefore, bytesAfter, bitsPerWeight, tensors: [{name, from, to, bytesBefore, bytesAfter}]}" };
        NodeSwitches.AtLeastOne(threads);
        type.Validators.Add(result =>
        {
            if (QuantizationMix.Find(result.GetValueOrDefault<string>()) is null)
                result.AddError($"TYPE: '{result.GetValueOrDefault<string>()}' is not known; expected one of {string.Join(", ", QuantizationMix.All.Select(static mix => mix.Name))}.");
        });
        var command = new SmolCommand("quantize", "Write a model in fewer bits a weight",
            "smol quantize SmolLM3-F16.gguf SmolLM3-Q4_K_M.gguf Q4_K_M",
            "smol quantize SmolLM3-BF16.gguf SmolLM3-IQ4_XS.gguf IQ4_XS --imatrix imatrix.gguf",
            "smol quantize SmolLM3-BF16.gguf SmolLM3-tuned-Q8_0.gguf Q8_0 --lora adapter.gguf")
        { source, target, type, importance, lora, loraScale, pure, again, force, threads, json };
        command.SetAction(parsed =>
        {
            TargetFile.Require(parsed.GetRequiredValue(target), parsed.GetValue(force), parsed.GetRequiredValue(source));
            var options = new QuantizeOptions(
                QuantizationMix.Find(parsed.GetRequiredValue(type))!,
                parsed.GetValue(importance) is { } file ? ImportanceMatrix.Open(file) : null,
                parsed.GetValue(pure),
                parsed.GetValue(again),
                parsed.GetValue(threads) ?? Environment.ProcessorCount);
            return Interruption.RunAsync(async stop =>
            {
                using LoraAdapter? adapter = parsed.GetValue(lora) is { } path ? LoraAdapter.Open(path, parsed.GetValue(loraScale)) : null;
                return await RunAsync(parsed.GetRequiredValue(source), parsed.GetRequiredValue(target), options with { Adapter = adapter }, parsed.GetValue(json), stop);
            });
        });
        return command;
    }

    private static async Task<int> RunAsync(string source, string target, QuantizeOptions options, bool json, CancellationToken stop)
    {
        using GgufFile file = GgufFile.Open(source);
        TargetFile.RequireRoom(target, ModelQuantizer.Plan(file, options).Sum(static tensor => tensor.BytesAfter));
        IReadOnlyList<QuantizedTensor> tensors = await Terminal.WithProgressAsync($"writing {target}",
            progress => ModelQuantizer.Write(file, target, options, Interruption.Stoppable(progress, stop)));
        long after = new FileInfo(target).Length;
        double bits = tensors.Sum(static tensor => tensor.BytesAfter) * 8.0 / ModelTensors.WeightCount(file);
        if (json)
        {
            JsonOutput.Write(new { file = target, bytesBefore = file.Length, bytesAfter = after, bitsPerWeight = bits, tensors });
            return 0;
        }

        foreach (IGrouping<GgmlType, QuantizedTensor> group in tensors.GroupBy(static tensor => tensor.To).OrderByDescending(static g => g.Sum(static t => t.BytesAfter)))
            Console.Out.WriteLine($"{group.Key,-7} {group.Count(),5} tensors {Terminal.Bytes(group.Sum(static t => t.BytesAfter)),12}");
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{target}: {Terminal.Bytes(file.Length)} became {Terminal.Bytes(after)}, {bits:0.00} bits a weight"));
        if (options.Importance is { } importance && !tensors.Any(tensor => importance.For(tensor.Name, Columns(file, tensor.Name)) is not null))
            throw new CommandFailure($"{importance.Path}: none of the model's tensors is in the importance matrix; it was made for another model, and {target} was written as without it");
        return 0;
    }

    private static long Columns(GgufFile file, string tensor) => file.TryGetTensor(tensor, out GgufTensor? found) ? found.Columns : 0;
}
