using System.Text;
using System.Text.RegularExpressions;
using Spectre.Console;

namespace SmolCluster.Cli;

/// <summary>Writes an answer to a terminal as it comes: text at once, and each line again with its Markdown shown (headings, bold,
/// code, lists, quotes, fences) when it is complete, unless it has run over the terminal's width already. Nothing of the text is
/// ever taken for markup of Spectre or for the terminal's own codes.</summary>
internal sealed partial class MarkdownLines(IAnsiConsole console, TextWriter raw)
{
    private readonly StringBuilder _line = new();
    private bool _inFence;

    public void Append(string text)
    {
        foreach (char c in text)
        {
            if (c == '\n')
                EndLine();
            else if (!char.IsControl(c) || c == '\t')
                Write(c);
        }

        raw.Flush();
    }

    /// <summary>The end of the answer.</summary>
    public void End()
    {
        if (_line.Length > 0)
            EndLine();
        _inFence = false;
        raw.Flush();
    }

    /// <summary>A line with Spectre's markup.</summary>
    public static string Styled(string line, bool inFence)
    {
        string safe = Markup.Escape(line);
        if (inFence)
            return $"[green]{safe}[/]";
        if (Heading().Match(line) is { Success: true } heading)
            return $"[bold underline]{Markup.Escape(heading.Groups[1].Value)}[/]";
        if (Quote().Match(line) is { Success: true } quote)
            return $"[grey]│ {Markup.Escape(quote.Groups[1].Value)}[/]";
        string item = Bullet().Replace(safe, "$1[yellow]•[/] ");
        item = Code().Replace(item, "[green]$1[/]");
        return Bold().Replace(item, "[bold]$1[/]");
    }

    private void Write(char c)
    {
        _line.Append(c);
        raw.Write(c);
    }

    private void EndLine()
    {
        string line = _line.ToString();
        _line.Clear();
        bool fence = line.TrimStart().StartsWith("```", StringComparison.Ordinal);
        // from U+1100 on letters may take two columns, and how wide the line came out is not known
        if (line.Length > 0 && line.Length < console.Profile.Width && line.All(static c => c is < '\u1100' and not '\t'))
        {
            raw.Write("\r\u001b[K");
            raw.Flush();
            console.Markup(fence ? $"[grey]{Markup.Escape(line)}[/]" : Styled(line, _inFence));
        }

        raw.Write('\n');
        _inFence ^= fence;
    }

    [GeneratedRegex(@"\A#{1,6} +(.*)\z")]
    private static partial Regex Heading();

    [GeneratedRegex(@"\A> ?(.*)\z")]
    private static partial Regex Quote();

    [GeneratedRegex(@"\A(\s*)[-*+] ")]
    private static partial Regex Bullet();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"\*\*([^*]+)\*\*")]
    private static partial Regex Bold();
}
