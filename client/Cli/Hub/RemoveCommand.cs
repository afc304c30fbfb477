using System.CommandLine;

namespace SmolCluster.Cli.Hub;

/// <summary><c>smol rm NAME</c>: a pulled model off the disk. Takes names only, never paths.</summary>
internal static class RemoveCommand
{
    public static Command Create()
    {
        var name = new Argument<string>("NAME") { Description = "As smol list shows it, or as it was pulled" };
        Option<string?> models = PullCommand.ModelsOption();
        var command = new SmolCommand("rm", "Remove a pulled model", "smol rm ggml-org/SmolLM3-3B-GGUF:SmolLM3-Q4_K_M") { name, models };
        command.SetAction(parsed => Run(new ModelStore(parsed.GetValue(models)), parsed.GetRequiredValue(name)));
        return command;
    }

    private static void Run(ModelStore store, string name)
    {
        IReadOnlyList<StoredModel> found = store.Find(name);
        if (found.Count == 0)
            throw new CommandFailure($"no model '{name}' in {store.Root}; smol list shows which there are");
        if (found.Count > 1 && found.Select(static model => model.Facts.Name).Distinct().Count() > 1)
            throw new CommandFailure($"'{name}' may be {string.Join(" or ", found.Select(static model => model.Id))}: say which");
        foreach (StoredModel model in found)
        {
            File.Delete(model.Path);
            File.Delete(model.Path + ".json");
            Console.Out.WriteLine($"removed {model.Id} ({Terminal.Bytes(model.Facts.Bytes)})");
        }
    }
}
