using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace SmolCluster.Cli.Hub;

/// <summary><c>smol list</c>: the pulled models.</summary>
internal static class ListCommand
{
    public static Command Create()
    {
        Option<string?> models = PullCommand.ModelsOption();
        var json = new Option<bool>("--json") { Description = "[{name, path, bytes, sha256, pulled}]" };
        var command = new SmolCommand("list", "List the pulled models", "smol list", "smol list --json") { models, json };
        command.SetAction(parsed => Run(new ModelStore(parsed.GetValue(models)), parsed.GetValue(json)));
        return command;
    }

    private static void Run(ModelStore store, bool json)
    {
        IReadOnlyList<StoredModel> all = store.All();
        if (json)
        {
            JsonOutput.Write(all.Select(static model => new { name = model.Id, path = model.Path, bytes = model.Facts.Bytes, sha256 = model.Facts.Sha256, pulled = model.Facts.Pulled }));
            return;
        }

        if (all.Count == 0)
        {
            Console.Error.WriteLine($"no models in {store.Root}: smol pull HuggingFaceTB/SmolLM3-3B:Q4_K_M gets one");
            return;
        }

        Table table = new Table().Border(TableBorder.Simple).AddColumns("Name", "Size", "Pulled");
        foreach (StoredModel model in all)
            table.AddRow(new Text(model.Id), new Text(Terminal.Bytes(model.Facts.Bytes)), new Text(model.Facts.Pulled.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)));
        Terminal.Out.Write(table);
    }
}
