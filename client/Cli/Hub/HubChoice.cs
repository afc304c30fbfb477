using System.Text.RegularExpressions;

namespace SmolCluster.Cli.Hub;

/// <summary>Which repository and file a name means. A repository without GGUF files (the authors' own, such as
/// HuggingFaceTB/SmolLM3-3B) stands for the GGUF repository made of it: the owner's REPOSITORY-GGUF, else ggml-org's.</summary>
internal sealed partial record HubChoice(HubName Repository, IReadOnlyList<HubFile> Parts)
{
    private const string Usual = "Q4_K_M";

    public static async Task<HubChoice> FindAsync(HubClient hub, HubName name, CancellationToken cancellation)
    {
        var tried = new List<string>();
        foreach (HubName candidate in Candidates(name))
        {
            tried.Add($"{candidate.Owner}/{candidate.Repository}");
            if (await hub.FilesAsync(candidate, cancellation) is { } files && Models(files) is { Count: > 0 } models)
                return Choose(candidate, models);
        }

        throw new CommandFailure($"{name}: there is no GGUF file in {string.Join(" nor ", tried)}, or it is not public (HF_TOKEN opens what is not)");
    }

    private static IEnumerable<HubName> Candidates(HubName name)
    {
        yield return name;
        if (name.Repository.EndsWith("-GGUF", StringComparison.OrdinalIgnoreCase))
            yield break;
        yield return name with { Repository = name.Repository + "-GGUF" };
        yield return new HubName("ggml-org", name.Repository + "-GGUF", name.Tag);
    }

    /// <summary>Each model's files, in order; projectors of images are no models.</summary>
    private static List<HubFile[]> Models(IReadOnlyList<HubFile> files) =>
    [
        .. files.Where(static file => file.Path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && !Path.GetFileName(file.Path).StartsWith("mmproj", StringComparison.OrdinalIgnoreCase))
            .GroupBy(static file => PartNumber().Replace(file.Path, ""), StringComparer.Ordinal)
            .Select(static group => group.OrderBy(static file => file.Path, StringComparer.Ordinal).ToArray()),
    ];

    private static HubChoice Choose(HubName name, List<HubFile[]> models)
    {
        List<HubFile[]> fitting = models.FindAll(model => name.Tag is null || IsCalled(model[0].Path, name.Tag));
        if (name.Tag is null && fitting.Count > 1)
            fitting = fitting.FindAll(static model => IsCalled(model[0].Path, Usual));
        return fitting.Count == 1 ? new HubChoice(name, fitting[0])
            : throw new CommandFailure($"{name}: {(fitting.Count == 0 ? "no file" : "more than one file")} fits; there are {string.Join(", ", models.Select(static model => Stem(model[0].Path)).Order(StringComparer.Ordinal).Take(40))}. Name one after a colon");
    }

    /// <summary>The file's own name, or the quantization at its end.</summary>
    private static bool IsCalled(string path, string tag)
    {
        string stem = Stem(path);
        return stem.Equals(tag, StringComparison.OrdinalIgnoreCase) || (stem + ".gguf").Equals(tag, StringComparison.OrdinalIgnoreCase)
            || stem.EndsWith("-" + tag, StringComparison.OrdinalIgnoreCase) || stem.EndsWith("." + tag, StringComparison.OrdinalIgnoreCase);
    }

    private static string Stem(string path) => Path.GetFileNameWithoutExtension(PartNumber().Replace(path, ""));

    [GeneratedRegex(@"-\d{5}-of-\d{5}(?=\.gguf\z)", RegexOptions.IgnoreCase)]
    private static partial Regex PartNumber();
}
