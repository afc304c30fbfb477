using System.Globalization;
using System.Text;

namespace SmolCluster.Engine.Gguf;

/// <summary>Values and lists as people read them in messages and in <c>smol inspect</c>: one line, bounded, no control
/// characters.</summary>
internal static class GgufText
{
    public static string TypeName(object value) => value switch
    {
        GgufArray array => $"an array of {array.Elements}",
        float => "a Float32",
        double => "a Float64",
        bool => "a Bool",
        _ => $"a {value.GetType().Name}",
    };

    public static string Describe(object value, int maximumLength) => value switch
    {
        GgufArray array => Cut($"{array.Elements}[{array.Count}] [{Elements(array)}]", maximumLength),
        string text => Quote(text, maximumLength),
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    /// <summary>Names separated by commas, at most <paramref name="most"/> of them and then how many more there are.</summary>
    public static string List(IReadOnlyCollection<string> names, int most = 60)
    {
        string shown = string.Join(", ", names.Take(most).Select(static n => Cut(Clean(n, 120), 120)));
        return names.Count > most ? $"{shown} and {names.Count - most} more" : names.Count == 0 ? "none" : shown;
    }

    private static string Elements(GgufArray array)
    {
        const int few = 8;
        var shown = array.Decode(few).Cast<object>().Select(static v => Describe(v, 40));
        return string.Join(", ", shown) + (array.Count > few ? ", …" : "");
    }

    private static string Quote(string text, int maximumLength) => $"\"{Cut(Clean(text, maximumLength), Math.Max(1, maximumLength - 2))}\"";

    private static string Cut(string text, int maximumLength) =>
        text.Length <= maximumLength ? text : string.Concat(text.AsSpan(0, maximumLength - 1), "…");

    /// <summary>Control characters as \n and \u001b: a hostile file must not steer a terminal.</summary>
    public static string Clean(string text, int enough)
    {
        var clean = new StringBuilder();
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, enough + 1)))
        {
            if (c == '\n')
                clean.Append("\\n");
            else if (char.IsControl(c) || char.GetUnicodeCategory(c) == UnicodeCategory.Format)
                clean.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else
                clean.Append(c);
        }

        return clean.ToString();
    }
}
