using System.CommandLine;
using SmolCluster.Engine.Models;

namespace SmolCluster.Cli;

/// <summary><c>smol random</c>: a model of a true shape with random weights, to measure with where the real one is not at hand.</summary>
internal static class RandomCommand
{
    public static Command Create()
    {
        var shape = new Argument<string>("SHAPE")
        {
            Description = $"SHAPE or SHAPE:TYPE; shapes: {string.Join(", ", RandomModel.Shapes)}; types: {string.Join(", ", RandomModel.Types)}",
        };
        var file = new Argument<string>("FILE") { Description = "The GGUF file to write" };
        var seed = new Option<ulong>("--seed") { Description = "The same seed gives the same bytes", DefaultValueFactory = static _ => 1 };
        var command = new SmolCommand("random", "Write a model with random weights, to measure speed and memory",
            "smol random smollm3-3b:Q4_K_M random-3b.gguf",
            "smol random tiny tiny.gguf --seed 7")
        { shape, file, seed };
        shape.Validators.Add(static result =>
        {
            string[] parts = result.GetValueOrDefault<string>().Split(':');
            if (parts.Length > 2 || !RandomModel.Shapes.Contains(parts[0]) || (parts is [_, var type] && !RandomModel.Types.Contains(type)))
                result.AddError($"SHAPE: '{result.GetValueOrDefault<string>()}' is not known; see the shapes and types in the help.");
        });
        command.SetAction(async parsed =>
        {
            string path = parsed.GetRequiredValue(file);
            await Terminal.WithProgressAsync($"writing {path}", progress =>
            {
                RandomModel.Write(parsed.GetRequiredValue(shape), path, parsed.GetValue(seed), progress);
                return path;
            });
            Console.Out.WriteLine($"{path}: {Terminal.Bytes(new FileInfo(path).Length)}");
        });
        return command;
    }
}
