using System.Text;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>What methods and filters do to texts, each keeping its characters' marks where it can.</summary>
internal static class TextOperations
{
    /// <param name="characters">None: blanks.</param>
    public static TextValue Strip(Rendering rendering, TextValue text, Value? characters, bool atStart, bool atEnd)
    {
        string content = text.Content;
        string? set = characters is null or NoneValue ? null : Coerce.ToText(characters, "what to strip").Content;
        rendering.ChargeText(content.Length);
        int start = 0;
        int end = content.Length;
        while (atStart && start < end && IsIn(content[start]))
            start++;
        while (atEnd && end > start && IsIn(content[end - 1]))
            end--;
        rendering.Charge((content.Length - (end - start)) * (set?.Length ?? 0L) >> 6);
        return text.Slice(start, end);

        bool IsIn(char c) => set is null ? PythonText.IsSpace(c) : set.Contains(c, StringComparison.Ordinal);
    }

    /// <param name="count">Negative: all.</param>
    public static TextValue Replace(Rendering rendering, TextValue text, TextValue old, TextValue replacement, int count)
    {
        var builder = new TextBuilder(rendering);
        int copied = 0;
        int from = 0;
        while (count != 0 && from <= text.Content.Length)
        {
            int at = TextSearch.IndexOf(rendering, text.Content, old.Content, from);
            if (at < 0)
                break;
            builder.Append(text, copied, at).Append(replacement);
            copied = at + old.Content.Length;
            // an empty text is found once before each character and once at the end
            from = old.Content.Length > 0 ? copied : at + Coerce.CodePointLength(text.Content, at);
            count--;
        }
        return builder.Append(text, Math.Min(copied, text.Content.Length), text.Content.Length).ToText();
    }

    /// <param name="limit">The most cuts; negative: no limit.</param>
    public static ListValue Split(Rendering rendering, TextValue text, TextValue separator, int limit)
    {
        if (separator.Content.Length == 0)
            throw new TemplateFault("the separator to split at is empty");
        var parts = new List<Value>();
        int start = 0;
        for (; limit != 0; limit--)
        {
            int at = TextSearch.IndexOf(rendering, text.Content, separator.Content, start);
            if (at < 0)
                break;
            parts.Add(text.Slice(start, at));
            start = at + separator.Content.Length;
        }
        parts.Add(text.Slice(start, text.Content.Length));
        return new ListValue(parts);
    }

    public static ListValue SplitFromEnd(Rendering rendering, TextValue text, TextValue separator, int limit)
    {
        ListValue all = Split(rendering, text, separator, -1);
        int joined = limit < 0 ? 0 : Math.Max(0, all.Items.Count - 1 - limit);
        if (joined == 0)
            return all;
        // the first part reaches to where the last cuts begin
        int width = separator.Content.Length * joined;
        for (int i = 0; i <= joined; i++)
            width += ((TextValue)all.Items[i]).Content.Length;
        return new ListValue([text.Slice(0, width), .. all.Items.Skip(joined + 1)]);
    }

    /// <summary>At runs of blanks, none at the ends.</summary>
    public static ListValue SplitWords(Rendering rendering, TextValue text, int limit)
    {
        string content = text.Content;
        rendering.ChargeText(content.Length);
        var parts = new List<Value>();
        for (int at = SkipBlanks(content, 0); at < content.Length; limit--)
        {
            rendering.Charge();
            if (limit == 0)
            {
                parts.Add(text.Slice(at, content.Length));
                break;
            }
            int end = at;
            while (end < content.Length && !PythonText.IsSpace(content[end]))
                end++;
            parts.Add(text.Slice(at, end));
            at = SkipBlanks(content, end);
        }
        return new ListValue(parts);
    }

    private static int SkipBlanks(string content, int at)
    {
        while (at < content.Length && PythonText.IsSpace(content[at]))
            at++;
        return at;
    }

    public static List<TextValue> SplitLines(Rendering rendering, TextValue text, bool keepsEnds)
    {
        string content = text.Content;
        rendering.ChargeText(content.Length);
        var lines = new List<TextValue>();
        for (int start = 0; start < content.Length;)
        {
            rendering.Charge();
            int end = start;
            while (end < content.Length && !IsLineEnd(content[end]))
                end++;
            int next = end + (end == content.Length ? 0 : content[end] == '\r' && end + 1 < content.Length && content[end + 1] == '\n' ? 2 : 1);
            lines.Add(text.Slice(start, keepsEnds ? next : end));
            start = next;
        }
        return lines;
    }

    private static bool IsLineEnd(char c) => c is '\n' or '\r' or '\v' or '\f' or '\x1c' or '\x1d' or '\x1e' or '\x85' or '\u2028' or '\u2029';

    public static TextValue Join(Rendering rendering, TextValue separator, IReadOnlyList<Value> items, bool onlyTexts)
    {
        var builder = new TextBuilder(rendering);
        for (int i = 0; i < items.Count; i++)
        {
            rendering.Charge();
            if (i > 0)
                builder.Append(separator);
            builder.Append(onlyTexts ? Coerce.ToText(items[i], "what is joined") : Display.Of(rendering, items[i]));
        }
        return builder.ToText();
    }

    public static TextValue Upper(Rendering rendering, TextValue text) => Map(rendering, text, Upper);

    public static TextValue Lower(Rendering rendering, TextValue text) => Map(rendering, text, static content => content.ToLowerInvariant());

    /// <summary>The first character in upper case, the rest in lower case.</summary>
    public static TextValue Capitalize(Rendering rendering, TextValue text) =>
        Map(rendering, text, static content => content.Length == 0 ? "" : Upper(content[..1]) + content[1..].ToLowerInvariant());

    public static TextValue SwapCase(Rendering rendering, TextValue text) => Map(rendering, text, static content =>
        string.Create(content.Length, content, static (output, from) =>
        {
            for (int i = 0; i < output.Length; i++)
                output[i] = char.IsUpper(from[i]) ? char.ToLowerInvariant(from[i]) : char.ToUpperInvariant(from[i]);
        }));

    /// <summary>Every word's first character in upper case, its rest in lower case.</summary>
    /// <param name="startsWord">Whether a word starts after this character.</param>
    public static TextValue Title(Rendering rendering, TextValue text, Func<char, bool> startsWord) => Map(rendering, text, content =>
    {
        var output = new StringBuilder(content.Length);
        bool atStart = true;
        foreach (char c in content)
        {
            output.Append(atStart ? char.ToUpperInvariant(c) : char.ToLowerInvariant(c));
            atStart = startsWord(c);
        }
        return output.ToString();
    });

    /// <summary>.NET changes case character by character; Python also knows that the sharp s has two in upper case.</summary>
    private static string Upper(string content) => content.ToUpperInvariant().Replace("ß", "SS", StringComparison.Ordinal);

    public static TextValue Map(Rendering rendering, TextValue text, Func<string, string> map)
    {
        rendering.ChargeText(text.Content.Length);
        string mapped = map(text.Content);
        Rendering.CheckTextLength(mapped.Length);
        return text.With(mapped);
    }

    /// <param name="left">The share of the padding that goes to the left.</param>
    public static TextValue Pad(Rendering rendering, TextValue text, int width, TextValue fill, Func<int, int> left)
    {
        int padding = Math.Max(0, width - text.CodePoints);
        if (fill.CodePoints != 1)
            throw new TemplateFault("a text is padded with one character");
        int before = left(padding);
        TextValue spaces = (TextValue)Arithmetic.Apply(rendering, "*", fill, new IntegerValue(padding));
        int cut = before * fill.Content.Length;
        return new TextBuilder(rendering).Append(spaces, 0, cut).Append(text).Append(spaces, cut, spaces.Content.Length).ToText();
    }
}
