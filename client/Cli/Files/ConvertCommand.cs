using System.CommandLine;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Models;

namespace SmolCluster.Cli.Files;

/// <summary><c>smol convert FOLDER OUT</c>: a Hugging Face checkpoint as one GGUF file.</summary>
internal static class ConvertCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("FOLDER") { Description = "config.json, tokenizer.json and weights: SafeTensors or PyTorch's .bin, in one file or in parts" };
        var target = new Argument<string>("OUT") { Description = "The GGUF file to write" };
        var type = new Option<string?>("--type") { Description = $"What matrices become (default: as in the checkpoint): {string.Join(", ", QuantizationMix.All.Select(static mix => mix.Name))}", HelpName = "TYPE" };
        var name = new Option<string?>("--name") { Description = "general.name of the file (default: the folder's)" };
        var force = new Option<bool>("--force") { Description = "Replace OUT where it is there" };
        var threads = new Option<int?>("--threads") { Description = "Threads that compute; changes no byte (default: one a processor)" };
        NodeSwitches.AtLeastOne(threads);
        type.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } wanted && QuantizationMix.Find(wanted) is null)
                result.AddError($"--type: '{wanted}' is not known; expected one of {string.Join(", ", QuantizationMix.All.Select(static mix => mix.Name))}.");
        });
        var command = new SmolCommand("convert", "Make a GGUF file of a Hugging Face checkpoint (SmolLM3, Llama, Mistral, Qwen2, Qwen3, Gemma 2 and 3)",
            "smol convert SmolLM3-3B SmolLM3-BF16.gguf",
            "smol convert SmolLM3-3B SmolLM3-Q4_K_M.gguf --type Q4_K_M")
        { folder, target, type, name, force, threads };
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(target);
            TargetFile.Require(path, parsed.GetValue(force));
            var options = new ConvertOptions(parsed.GetValue(type) is { } wanted ? QuantizationMix.Find(wanted) : null, parsed.GetValue(name), parsed.GetValue(threads) ?? Environment.ProcessorCount);
            return Interruption.RunAsync(async stop =>
            {
                await Terminal.WithProgressAsync($"writing {path}", progress =>
                {
                    HuggingFaceConverter.Write(parsed.GetRequiredValue(folder), path, options, Interruption.Stoppable(progress, stop));
                    return path;
                });
                Console.Out.WriteLine($"{path}: {Terminal.Bytes(new FileInfo(path).Length)}");
                return 0;
            });
        });
        return command;
    }
}
