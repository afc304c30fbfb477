using System.Globalization;
using System.Text;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>Names, literals and operators inside one tag. A closing <c>}}</c> or <c>%}</c> counts only outside brackets, so
/// that <c>{{ {'a': {}} }}</c> reads as one would.</summary>
internal ref struct ExpressionLexer
{
    private static readonly string[] Operators =
        ["**", "//", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"];

    private readonly TemplateSource source;
    private readonly List<Token> tokens;
    private readonly string text;
    private readonly Stack<Token> brackets = [];
    private int position;

    private ExpressionLexer(TemplateSource source, List<Token> tokens, int position)
    {
        (this.source, this.tokens, this.position) = (source, tokens, position);
        text = source.Text;
    }

    /// <summary>Reads up to the tag's end; returns the offset behind it and the whitespace sign before it.</summary>
    public static (int End, char Sign) Read(TemplateSource source, List<Token> tokens, int position, int tag, bool isBlock)
    {
        var lexer = new ExpressionLexer(source, tokens, position);
        string close = isBlock ? "%}" : "}}";
        while (lexer.SkipBlanks())
        {
            if (lexer.brackets.Count == 0 && lexer.CloseAt(close, isBlock) is { } sign)
            {
                int at = lexer.position + (sign == default ? 0 : 1);
                tokens.Add(new Token(isBlock ? TokenKind.BlockEnd : TokenKind.OutputEnd, close, at));
                return (at + 2, sign);
            }
            lexer.ReadToken();
        }
        throw lexer.brackets.TryPeek(out Token open)
            ? source.Error(open.Position, $"this '{open.Text}' is never closed")
            : source.Error(tag, $"this tag is never closed; expected '{close}'");
    }

    private bool SkipBlanks()
    {
        while (position < text.Length && PythonText.IsSpace(text[position]))
            position++;
        return position < text.Length;
    }

    private readonly char? CloseAt(string close, bool isBlock)
    {
        ReadOnlySpan<char> rest = text.AsSpan(position);
        if (rest.StartsWith(close, StringComparison.Ordinal))
            return default(char);
        bool isSigned = rest[0] == '-' || (isBlock && rest[0] == '+');
        return isSigned && rest[1..].StartsWith(close, StringComparison.Ordinal) ? rest[0] : null;
    }

    private void ReadToken()
    {
        char c = text[position];
        if (c is '\'' or '"')
            ReadText(c);
        else if (char.IsAsciiDigit(c))
            ReadNumber();
        else if (char.IsLetter(c) || c == '_')
            ReadName();
        else
            ReadOperator();
    }

    private void ReadName()
    {
        int start = position;
        while (position < text.Length && (char.IsLetterOrDigit(text[position]) || text[position] == '_'))
            position++;
        tokens.Add(new Token(TokenKind.Name, text[start..position], start));
    }

    private void ReadNumber()
    {
        int start = position;
        // in `matrix.0.1` the digits are two indices, not a fraction
        bool isIndex = start > 0 && text[start - 1] == '.';
        SkipDigits();
        bool isFloat = !isIndex && DigitAt(position + 1) && text[position] == '.';
        if (isFloat)
        {
            position++;
            SkipDigits();
        }
        int sign = position + 1 < text.Length && text[position + 1] is '+' or '-' ? 1 : 0;
        if (!isIndex && position < text.Length && text[position] is 'e' or 'E' && DigitAt(position + 1 + sign))
        {
            isFloat = true;
            position += 1 + sign;
            SkipDigits();
        }
        string digits = text[start..position].Replace("_", "", StringComparison.Ordinal);
        tokens.Add(new Token(isFloat ? TokenKind.Float : TokenKind.Integer, digits, start));
    }

    private void SkipDigits()
    {
        while (position < text.Length && (char.IsAsciiDigit(text[position]) || (text[position] == '_' && DigitAt(position + 1))))
            position++;
    }

    private readonly bool DigitAt(int at) => at < text.Length && char.IsAsciiDigit(text[at]);

    private void ReadOperator()
    {
        foreach (string candidate in Operators)
        {
            if (!text.AsSpan(position).StartsWith(candidate, StringComparison.Ordinal))
                continue;
            var token = new Token(TokenKind.Operator, candidate, position);
            Balance(token);
            tokens.Add(token);
            position += candidate.Length;
            return;
        }
        throw source.Error(position, $"unexpected character '{text[position]}'");
    }

    private readonly void Balance(Token token)
    {
        if (token.Text is "(" or "[" or "{")
            brackets.Push(token);
        else if (token.Text is ")" or "]" or "}" && (!brackets.TryPop(out Token open) || !Matches(open.Text, token.Text)))
            throw source.Error(token.Position, $"unexpected '{token.Text}': no bracket of its kind is open");
    }

    private static bool Matches(string open, string close) => (open, close) is ("(", ")") or ("[", "]") or ("{", "}");

    private void ReadText(char quote)
    {
        int start = position++;
        var value = new StringBuilder();
        while (position < text.Length && text[position] != quote)
        {
            if (text[position] == '\\' && position + 1 < text.Length)
                ReadEscape(value);
            else
                value.Append(text[position++]);
        }
        if (position++ >= text.Length)
            throw source.Error(start, $"this text literal is never closed; expected {quote}");
        tokens.Add(new Token(TokenKind.Text, value.ToString(), start));
    }

    private void ReadEscape(StringBuilder value)
    {
        char c = text[position + 1];
        position += 2;
        switch (c)
        {
            case 'n': value.Append('\n'); break;
            case 't': value.Append('\t'); break;
            case 'r': value.Append('\r'); break;
            case 'b': value.Append('\b'); break;
            case 'f': value.Append('\f'); break;
            case 'v': value.Append('\v'); break;
            case 'a': value.Append('\a'); break;
            case '\n': break;
            case '\\' or '\'' or '"': value.Append(c); break;
            case 'x': AppendCodePoint(value, 2); break;
            case 'u': AppendCodePoint(value, 4); break;
            case 'U': AppendCodePoint(value, 8); break;
            case >= '0' and <= '7': AppendOctal(value); break;
            default: value.Append('\\').Append(c); break;
        }
    }

    private void AppendCodePoint(StringBuilder value, int digits)
    {
        ReadOnlySpan<char> hex = text.AsSpan(position, Math.Min(digits, text.Length - position));
        if (hex.Length < digits || !uint.TryParse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint code) || code > 0x10FFFF)
            throw source.Error(position - 2, $"expected {digits} hexadecimal digits of a character after the escape");
        position += digits;
        if (code <= 0xFFFF)
            value.Append((char)code);
        else
            value.Append(char.ConvertFromUtf32((int)code));
    }

    private void AppendOctal(StringBuilder value)
    {
        int code = text[position - 1] - '0';
        for (int i = 0; i < 2 && position < text.Length && text[position] is >= '0' and <= '7'; i++)
            code = (code * 8) + text[position++] - '0';
        value.Append((char)code);
    }
}
