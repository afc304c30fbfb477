using System.CommandLine;
using Spectre.Console;

namespace SmolCluster.Cli.Hub;

/// <summary><c>smol pull NAME</c>: a model from Hugging Face, or a mirror, into the store.</summary>
internal static class PullCommand
{
    private const int DefaultConnections = 4;

    public static Command Create()
    {
        var name = new Argument<string>("NAME") { Description = "OWNER/REPOSITORY, and after a colon a quantization (default: Q4_K_M) or a file" };
        Option<string?> models = ModelsOption();
        var connections = new Option<int?>("--connections") { Description = $"Parts that come at once (default: {DefaultConnections})" };
        var json = new Option<bool>("--json") { Description = "{name, path, bytes, sha256}" };
        NodeSwitches.AtLeastOne(connections);
        name.Validators.Add(static result =>
        {
            if (HubName.Parse(result.GetValueOrDefault<string>()) is null)
                result.AddError($"NAME: '{result.GetValueOrDefault<string>()}' is no model's name; expected one such as HuggingFaceTB/SmolLM3-3B:Q4_K_M.");
        });
        var command = new SmolCommand("pull", "Get a model from Hugging Face, or a mirror (HF_ENDPOINT, HF_TOKEN, HTTPS_PROXY); goes on where it was cut",
            "smol pull HuggingFaceTB/SmolLM3-3B:Q4_K_M",
            "smol pull ggml-org/SmolLM3-3B-GGUF && smol serve ggml-org/SmolLM3-3B-GGUF",
            "HF_ENDPOINT=https://hf-mirror.example smol pull ggml-org/SmolLM3-3B-GGUF:Q8_0")
        { name, models, connections, json };
        command.SetAction(parsed => Interruption.RunAsync(stop => RunAsync(
            parsed.GetRequiredValue(name), new ModelStore(parsed.GetValue(models)), parsed.GetValue(connections) ?? DefaultConnections, parsed.GetValue(json), stop)));
        return command;
    }

    public static Option<string?> ModelsOption() => new("--models") { Description = "The folder of pulled models (default: SMOL_MODELS, or smolcluster/models in XDG_DATA_HOME or ~/.local/share)", HelpName = "FOLDER" };

    private static async Task<int> RunAsync(string name, ModelStore store, int connections, bool json, CancellationToken stop)
    {
        using var hub = new HubClient();
        HubChoice choice = await HubChoice.FindAsync(hub, HubName.Parse(name)!, stop);
        string first = store.PathOf(choice.Repository, choice.Parts[0].Path);
        foreach (HubFile part in choice.Parts)
            await PullAsync(hub, store, name, choice.Repository, part, connections, stop);
        StoredModel model = new(first, ModelStore.FactsOf(first)!);
        if (json)
            JsonOutput.Write(new { name = model.Id, path = first, bytes = choice.Parts.Sum(static part => part.Bytes), sha256 = choice.Parts[0].Sha256 });
        else
            Console.Out.WriteLine($"{first}\n{(choice.Parts.All(static part => part.Sha256 is not null) ? "SHA-256 as published" : "the hub publishes no SHA-256: unchecked")}; smol chat {model.Id}");
        return 0;
    }

    private static async Task PullAsync(HubClient hub, ModelStore store, string name, HubName repository, HubFile file, int connections, CancellationToken stop)
    {
        string path = store.PathOf(repository, file.Path);
        if (!(ModelStore.FactsOf(path) is { } known && File.Exists(path) && known.Bytes == file.Bytes && known.Sha256 == file.Sha256 && new FileInfo(path).Length == file.Bytes))
        {
            var download = new Download(hub, repository, file, path);
            await WithProgressAsync(file, report => download.RunAsync(connections, report, stop));
        }

        ModelStore.Save(path, new PulledFile(name, $"{repository.Owner}/{repository.Repository}", HubClient.Revision, file.Path, file.Bytes, file.Sha256, DateTimeOffset.UtcNow));
    }

    private static Task WithProgressAsync(HubFile file, Func<Action<long>, Task> work)
    {
        if (Console.IsErrorRedirected)
            return work(static _ => { });
        return Terminal.Error.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new DownloadedColumn(), new TransferSpeedColumn(), new RemainingTimeColumn())
            .StartAsync(context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(Path.GetFileName(file.Path)), maxValue: Math.Max(1, file.Bytes));
                return work(bytes => task.Value = bytes);
            });
    }
}
