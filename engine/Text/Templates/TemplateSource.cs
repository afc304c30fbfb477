namespace SmolCluster.Engine.Text.Templates;

/// <summary>A template's text with its line ends made <c>\n</c> and the last one dropped, as Jinja does, and the way from an
/// offset to a message a person can act on.</summary>
internal sealed class TemplateSource(string source)
{
    private const int ExcerptLength = 100;

    public string Text { get; } = Normalize(source);

    public TemplateException Error(int position, string message, bool isRaisedByTemplate = false)
    {
        (int line, int column) = Locate(position);
        return new TemplateException(isRaisedByTemplate ? message : Describe(line, column, position, message))
        {
            Line = line,
            Column = column,
            IsRaisedByTemplate = isRaisedByTemplate,
        };
    }

    private static string Normalize(string source)
    {
        string text = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        return text.EndsWith('\n') ? text[..^1] : text;
    }

    private (int Line, int Column) Locate(int position)
    {
        ReadOnlySpan<char> before = Text.AsSpan(0, Math.Min(position, Text.Length));
        return (before.Count('\n') + 1, before.Length - (before.LastIndexOf('\n') + 1) + 1);
    }

    private string Describe(int line, int column, int position, string message)
    {
        int lineStart = Math.Min(position, Text.Length) - (column - 1);
        int start = Math.Max(lineStart, Math.Min(position, Text.Length) - (ExcerptLength / 2));
        int lineEnd = Text.IndexOf('\n', lineStart);
        int end = Math.Min(lineEnd < 0 ? Text.Length : lineEnd, start + ExcerptLength);
        string excerpt = Text[start..end].Replace('\t', ' ');
        string caret = new(' ', Math.Min(position, Text.Length) - start);
        return $"chat template, line {line}, column {column}: {message}\n  {excerpt}\n  {caret}^";
    }
}
