using System.Globalization;
using System.Text.RegularExpressions;

namespace SmolCluster.Engine.Gguf;

/// <summary>The other files of a split model, as llama.cpp's gguf-split names and numbers them.</summary>
internal static partial class GgufParts
{
    private const int MostParts = 1024;

    /// <param name="first">The first part, open.</param>
    /// <param name="open">Opens one file.</param>
    /// <exception cref="GgufException">It is not the first part, or another is missing or of another model.</exception>
    public static GgufFile[] Open(GgufFile first, Func<string, GgufFile> open)
    {
        long count = first.Metadata.Integer("split.count"), number = first.Metadata.Integer("split.no", 0);
        Match name = PartName().Match(first.Path);
        if (count > MostParts)
            throw new GgufException($"{first.Path}: 'split.count' is {count}; at most {MostParts} parts are accepted. The file is damaged.");
        if (!name.Success)
            throw new GgufException($"{first.Path}: this is one of {count} parts of a split model, but its name does not end in -00001-of-{count:00000}.gguf, so the others cannot be found. Give the parts their names back.");
        if (number != 0)
            throw new GgufException($"{first.Path}: this is part {number + 1} of {count} of a split model; name the first one, {Path.GetFileName(Named(name, 1, count))}.");
        var parts = new List<GgufFile>();
        try
        {
            for (int i = 1; i < count; i++)
            {
                GgufFile part = open(Named(name, i + 1, count));
                parts.Add(part);
                if (part.Metadata.Integer("split.no", -1) != i || part.Metadata.Integer("split.count", -1) != count)
                    throw new GgufException($"{part.Path}: expected part {i + 1} of {count}; its metadata say otherwise. The parts do not belong together; download them again.");
            }

            return [.. parts];
        }
        catch
        {
            parts.ForEach(static part => part.Dispose());
            throw;
        }
    }

    private static string Named(Match name, int number, long count) =>
        string.Create(CultureInfo.InvariantCulture, $"{name.Groups[1].Value}-{number:00000}-of-{count:00000}.gguf");

    [GeneratedRegex(@"\A(.*)-\d{5}-of-\d{5}\.gguf\z", RegexOptions.Singleline)]
    private static partial Regex PartName();
}
