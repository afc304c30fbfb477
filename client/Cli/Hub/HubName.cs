using System.Text.RegularExpressions;

namespace SmolCluster.Cli.Hub;

/// <summary>A model on Hugging Face or a mirror: OWNER/REPOSITORY and, after a colon, a quantization or a file's name. Every part
/// begins with a letter or digit and holds letters, digits, dots, dashes and underscores only, so that no name can be a path.</summary>
internal sealed partial record HubName(string Owner, string Repository, string? Tag)
{
    private const int LongestPart = 96;

    public override string ToString() => Tag is null ? $"{Owner}/{Repository}" : $"{Owner}/{Repository}:{Tag}";

    /// <summary>Null: the text is no such name.</summary>
    public static HubName? Parse(string text)
    {
        foreach (string prefix in (ReadOnlySpan<string>)["https://huggingface.co/", "huggingface.co/", "https://hf.co/", "hf.co/"])
        {
            if (text.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
                text = text[prefix.Length..];
        }

        string[] halves = text.Split(':'), parts = halves[0].Split('/');
        return halves.Length <= 2 && parts.Length == 2 && parts.Concat(halves.Skip(1)).All(IsPart) ? new HubName(parts[0], parts[1], halves.ElementAtOrDefault(1)) : null;
    }

    /// <summary>Whether a text can be one component of a path and nothing else.</summary>
    public static bool IsPart(string text) => text.Length <= LongestPart && Part().IsMatch(text);

    /// <summary>The components of a file's path in a repository, or null where one of them is odd.</summary>
    public static string[]? FileParts(string path) => path.Split('/') is { Length: <= 4 } parts && parts.All(IsPart) ? parts : null;

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]*\z")]
    private static partial Regex Part();
}
