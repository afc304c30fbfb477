using System.CommandLine;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;

namespace SmolCluster.Cli.Files;

/// <summary><c>smol set-metadata IN OUT</c>: what a converter left out or got wrong, mended in a new file.</summary>
internal static class SetMetadataCommand
{
    public static Command Create()
    {
        var source = new Argument<string>("IN") { Description = "A GGUF file" };
        var target = new Argument<string>("OUT") { Description = "The GGUF file to write" };
        var set = new Option<string[]>("--set") { Description = $"A key to add or change, KEY=VALUE or KEY:TYPE=VALUE with a type of {MetadataValue.TypeNames}; [1, 2] makes arrays, @FILE takes a file's text", HelpName = "KEY=VALUE" };
        var remove = new Option<string[]>("--remove") { Description = "A key to leave out", HelpName = "KEY" };
        var copy = new Option<string?>("--copy") { Description = "Another GGUF file whose keys are added where IN has none", HelpName = "FILE" };
        var force = new Option<bool>("--force") { Description = "Replace OUT where it is there" };
        var command = new SmolCommand("set-metadata", "Add, change or remove metadata keys, into a new file",
            "smol set-metadata in.gguf out.gguf --set general.name='My model'",
            "smol set-metadata in.gguf out.gguf --set smollm3.attention.head_count_kv:u32=4 --remove llama.vocab_size",
            "smol set-metadata in.gguf out.gguf --set tokenizer.chat_template=@chat_template.jinja")
        { source, target, set, remove, copy, force };
        command.SetAction(parsed =>
        {
            string from = parsed.GetRequiredValue(source), to = parsed.GetRequiredValue(target);
            TargetFile.Require(to, parsed.GetValue(force), from);
            return Interruption.RunAsync(stop => RunAsync(from, to, parsed.GetValue(set) ?? [], parsed.GetValue(remove) ?? [], parsed.GetValue(copy), stop));
        });
        return command;
    }

    private static async Task<int> RunAsync(string source, string target, string[] assignments, string[] remove, string? other, CancellationToken stop)
    {
        using GgufFile file = GgufFile.Open(source);
        var set = new Dictionary<string, object>(StringComparer.Ordinal);
        if (other is not null)
            CopyFrom(other, file, set);
        foreach (string assignment in assignments)
        {
            (string key, object value) = MetadataValue.Parse(assignment, file.Metadata);
            set[key] = value;
        }

        TargetFile.RequireRoom(target, file.Length);
        await Terminal.WithProgressAsync($"writing {target}", progress =>
        {
            MetadataEdit.Write(file, target, set, remove, Interruption.Stoppable(progress, stop));
            return target;
        });
        Console.Out.WriteLine($"{target}: {set.Count} keys set, {remove.Length} removed");
        using GgufFile written = GgufFile.Open(target);
        try
        {
            ModelConfig.From(written);
        }
        catch (GgufException problem)
        {
            Console.Error.WriteLine($"it cannot be served yet: {problem.Message}");
        }

        return 0;
    }

    private static void CopyFrom(string other, GgufFile file, Dictionary<string, object> set)
    {
        using GgufFile model = GgufFile.Open(other);
        foreach (string key in model.Metadata.Keys.Where(key => key != "general.alignment" && !file.Metadata.Contains(key)))
        {
            if (model.Metadata.TryGetValue(key, out object? value))
                set[key] = value;
        }
    }
}
