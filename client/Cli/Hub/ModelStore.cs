using System.Text.Json;
using SmolCluster.Engine.Conversion;

namespace SmolCluster.Cli.Hub;

/// <summary>What is known of a pulled file; stands beside it as FILE.json.</summary>
/// <param name="Name">As it was asked for.</param>
/// <param name="Sha256">Of the whole file as the hub publishes it and as it was checked; null: the hub publishes none.</param>
internal sealed record PulledFile(string Name, string Repository, string Revision, string File, long Bytes, string? Sha256, DateTimeOffset Pulled);

/// <summary>A model in the store: one file, or the first of its parts.</summary>
internal sealed record StoredModel(string Path, PulledFile Facts)
{
    /// <summary>OWNER/REPOSITORY:FILE without its ending: what serve and chat take.</summary>
    public string Id => $"{Facts.Repository}:{System.IO.Path.GetFileNameWithoutExtension(Facts.File)}";
}

/// <summary>The folder of pulled models: OWNER/REPOSITORY/FILE.gguf. Names become paths only here, and only by parts that
/// <see cref="HubName.IsPart"/> accepts.</summary>
internal sealed class ModelStore(string? folder)
{
    private const string Facts = ".json";

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public string Root { get; } = Path.GetFullPath(folder ?? Default());

    /// <summary>Where a file of a repository goes.</summary>
    /// <exception cref="CommandFailure">The name would leave the folder.</exception>
    public string PathOf(HubName name, string file) => HubName.FileParts(file) is { } parts
        ? Path.Combine([Root, name.Owner, name.Repository, .. parts])
        : throw new CommandFailure($"{name}: the hub names the file '{Uri.EscapeDataString(file)}', which is no plain file name; it is not pulled");

    public static void Save(string path, PulledFile facts) => File.WriteAllText(path + Facts, JsonSerializer.Serialize(facts, s_json));

    public static PulledFile? FactsOf(string path)
    {
        try
        {
            return File.Exists(path + Facts) ? JsonSerializer.Deserialize<PulledFile>(File.ReadAllText(path + Facts), s_json) : null;
        }
        catch (JsonException)
        {
            return null; // a damaged note is as good as none: the model itself is checked when it is loaded
        }
    }

    /// <summary>All models, by name.</summary>
    public IReadOnlyList<StoredModel> All()
    {
        if (!Directory.Exists(Root))
            return [];
        return [.. Directory.EnumerateFiles(Root, "*.gguf" + Facts, SearchOption.AllDirectories)
            .Select(static note => note[..^Facts.Length])
            .Where(File.Exists)
            .Select(static path => FactsOf(path) is { } facts ? new StoredModel(path, facts) : null)
            .OfType<StoredModel>()
            .OrderBy(static model => model.Id, StringComparer.OrdinalIgnoreCase)];
    }

    /// <summary>The models that a name means: as it was pulled, as <see cref="StoredModel.Id"/>, or by the file's name alone.</summary>
    public IReadOnlyList<StoredModel> Find(string name)
    {
        IReadOnlyList<StoredModel> all = All();
        StoredModel[] exact = [.. all.Where(model => Same(model.Id, name) || Same(model.Facts.Name, name) || Same(Path.GetFileNameWithoutExtension(model.Facts.File), name))];
        return exact.Length > 0 || HubName.Parse(name) is not { } hub ? exact
            : [.. all.Where(model => (Same(model.Facts.Repository, $"{hub.Owner}/{hub.Repository}") || Same(model.Facts.Name.Split(':')[0], $"{hub.Owner}/{hub.Repository}"))
                && (hub.Tag is null || model.Facts.File.Contains(hub.Tag, StringComparison.OrdinalIgnoreCase)))];
    }

    /// <summary>A file or folder that is there stays what it is; else the pulled model of that name; else the text itself, for whoever reads
    /// it to refuse.</summary>
    /// <exception cref="CommandFailure">Several models have the name, or it can be pulled but was not.</exception>
    public string Resolve(string model)
    {
        if (File.Exists(model) || HuggingFaceModel.Is(model))
            return model;
        IReadOnlyList<StoredModel> found = Find(model);
        if (found.Count > 1)
            throw new CommandFailure($"'{model}' may be {string.Join(" or ", found.Select(static one => one.Id))}: say which");
        if (found.Count == 0 && !model.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && HubName.Parse(model) is { } hub && !Directory.Exists(hub.Owner))
            throw new CommandFailure($"the model '{model}' is neither a file nor pulled: smol pull {model}");
        return found.Count == 1 ? found[0].Path : model;
    }

    private static bool Same(string a, string b) => a.Equals(b, StringComparison.OrdinalIgnoreCase);

    private static string Default()
    {
        if (Environment.GetEnvironmentVariable("SMOL_MODELS") is { Length: > 0 } own)
            return own;
        string? xdg = Environment.GetEnvironmentVariable("XDG_DATA_HOME");
        string data = string.IsNullOrEmpty(xdg) ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "share") : xdg;
        return Path.Combine(data, "smolcluster", "models");
    }
}
