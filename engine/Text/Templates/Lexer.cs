using System.Buffers;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>Cuts a template into text and tags, with whitespace control: <c>-</c> and <c>+</c> at a tag's ends, one newline
/// dropped after a block (trim_blocks), blanks dropped before a block that starts its line (lstrip_blocks).
/// Inside a tag <see cref="ExpressionLexer"/> reads on.</summary>
internal sealed class Lexer
{
    private static readonly SearchValues<char> TagSecond = SearchValues.Create("{%#");

    private readonly TemplateSource source;
    private readonly string text;
    private readonly List<Token> tokens = [];
    private int position;

    private Lexer(TemplateSource source)
    {
        this.source = source;
        text = source.Text;
    }

    public static List<Token> Tokenize(TemplateSource source)
    {
        var lexer = new Lexer(source);
        while (lexer.position < lexer.text.Length)
            lexer.ReadNext();
        lexer.tokens.Add(new Token(TokenKind.End, "", lexer.text.Length));
        return lexer.tokens;
    }

    private void ReadNext()
    {
        int tag = NextTag(position);
        if (tag < 0)
        {
            AddData(position, text.Length);
            position = text.Length;
            return;
        }
        char kind = text[tag + 1];
        char sign = SignAt(tag + 2);
        AddData(position, DataEnd(tag, sign, isOutput: kind == '{'));
        position = tag + (sign == default ? 2 : 3);
        if (kind == '#')
            SkipComment(tag);
        else if (kind == '%' && RawBodyStart() is { } body)
            ReadRaw(tag, body);
        else
            ReadTag(tag, isBlock: kind == '%');
    }

    private int NextTag(int from)
    {
        for (int at = from; (at = text.IndexOf('{', at)) >= 0 && at + 1 < text.Length; at++)
        {
            if (TagSecond.Contains(text[at + 1]))
                return at;
        }
        return -1;
    }

    private char SignAt(int at) => at < text.Length && text[at] is '-' or '+' ? text[at] : default;

    private int DataEnd(int tag, char sign, bool isOutput)
    {
        if (sign == '-')
            return BlanksBefore(tag, stopAtLine: false);
        if (sign == '+' || isOutput)
            return tag;
        int start = BlanksBefore(tag, stopAtLine: true);
        return start == 0 || text[start - 1] == '\n' ? start : tag;
    }

    private int BlanksBefore(int tag, bool stopAtLine)
    {
        int start = tag;
        while (start > position && PythonText.IsSpace(text[start - 1]) && !(stopAtLine && text[start - 1] == '\n'))
            start--;
        return start;
    }

    private void AddData(int start, int end)
    {
        if (end > start)
            tokens.Add(new Token(TokenKind.Data, text[start..end], start));
    }

    private void SkipComment(int tag)
    {
        int end = text.IndexOf("#}", position, StringComparison.Ordinal);
        if (end < 0)
            throw source.Error(tag, "this comment is never closed; expected '#}'");
        char sign = end > position ? SignAt(end - 1) : default;
        position = end + 2;
        SkipAfterTag(sign, isBlock: true);
    }

    private void SkipAfterTag(char sign, bool isBlock)
    {
        if (sign == '-')
        {
            while (position < text.Length && PythonText.IsSpace(text[position]))
                position++;
        }
        else if (sign == default && isBlock && position < text.Length && text[position] == '\n')
            position++;
    }

    /// <summary>Where a raw block's body starts if the tag just begun is <c>{% raw %}</c>.</summary>
    private int? RawBodyStart() => WordTagEnd(position, "raw") is var (end, sign) ? AfterRaw(end, sign) : null;

    private int AfterRaw(int end, char sign)
    {
        while (sign == '-' && end < text.Length && PythonText.IsSpace(text[end]))
            end++;
        return end;
    }

    private (int End, char Sign)? WordTagEnd(int at, string word)
    {
        at = SkipBlanks(at);
        if (!text.AsSpan(at).StartsWith(word, StringComparison.Ordinal))
            return null;
        at = SkipBlanks(at + word.Length);
        char sign = SignAt(at);
        at += sign == default ? 0 : 1;
        return text.AsSpan(at).StartsWith("%}", StringComparison.Ordinal) ? (at + 2, sign) : null;
    }

    private int SkipBlanks(int at)
    {
        while (at < text.Length && PythonText.IsSpace(text[at]))
            at++;
        return at;
    }

    private void ReadRaw(int tag, int body)
    {
        position = body;
        for (int at = body; (at = text.IndexOf("{%", at, StringComparison.Ordinal)) >= 0; at += 2)
        {
            char sign = SignAt(at + 2);
            if (WordTagEnd(at + (sign == default ? 2 : 3), "endraw") is not var (end, endSign))
                continue;
            AddData(body, DataEnd(at, sign, isOutput: false));
            position = end;
            SkipAfterTag(endSign, isBlock: true);
            return;
        }
        throw source.Error(tag, "this raw block is never closed; expected '{% endraw %}'");
    }

    private void ReadTag(int tag, bool isBlock)
    {
        tokens.Add(new Token(isBlock ? TokenKind.BlockBegin : TokenKind.OutputBegin, text[tag..position], tag));
        (position, char sign) = ExpressionLexer.Read(source, tokens, position, tag, isBlock);
        SkipAfterTag(sign, isBlock);
    }
}
