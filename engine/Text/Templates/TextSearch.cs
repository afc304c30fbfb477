namespace SmolCluster.Engine.Text.Templates;

/// <summary>Finds a text in a text in linear time whatever both are: the framework's search is fastest for short patterns but
/// quadratic for long ones chosen to hurt, and both sides may be a person's.</summary>
internal static class TextSearch
{
    private const int ShortPattern = 32;

    public static int IndexOf(Rendering rendering, string text, string pattern, int from)
    {
        int at = pattern.Length <= ShortPattern
            ? text.AsSpan(from).IndexOf(pattern, StringComparison.Ordinal)
            : KnuthMorrisPratt(rendering, text.AsSpan(from), pattern);
        rendering.ChargeText(at < 0 ? text.Length - from : at);
        return at < 0 ? -1 : from + at;
    }

    public static int LastIndexOf(Rendering rendering, string text, string pattern)
    {
        int last = -1;
        for (int at = IndexOf(rendering, text, pattern, 0); at >= 0 && at < text.Length; at = IndexOf(rendering, text, pattern, at + 1))
            last = at;
        return pattern.Length == 0 ? text.Length : last;
    }

    private static int KnuthMorrisPratt(Rendering rendering, ReadOnlySpan<char> text, string pattern)
    {
        if (pattern.Length > text.Length)
            return -1;
        rendering.ChargeText(pattern.Length);
        int[] border = Borders(pattern);
        int matched = 0;
        for (int i = 0; i < text.Length; i++)
        {
            while (matched > 0 && text[i] != pattern[matched])
                matched = border[matched - 1];
            if (text[i] == pattern[matched] && ++matched == pattern.Length)
                return i - matched + 1;
        }
        return -1;
    }

    private static int[] Borders(string pattern)
    {
        var border = new int[pattern.Length];
        for (int i = 1, length = 0; i < pattern.Length; i++)
        {
            while (length > 0 && pattern[i] != pattern[length])
                length = border[length - 1];
            length += pattern[i] == pattern[length] ? 1 : 0;
            border[i] = length;
        }
        return border;
    }
}
