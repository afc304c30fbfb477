using System.Globalization;
using System.Text;

namespace SmolCluster.Engine.Text.Templates;

/// <summary><c>'{} of {0} {name:>8}'.format(…)</c>, without attributes and items of the arguments. As with
/// <see cref="PercentFormat"/> the result is scaffold only if everything in it is.</summary>
internal static class BraceFormat
{
    public static Value Format(Rendering rendering, TextValue format, Arguments arguments)
    {
        string text = format.Content;
        var output = new StringBuilder();
        bool isScaffold = format.IsScaffold;
        int next = 0;
        rendering.ChargeText(text.Length);
        for (int at = 0; at < text.Length; at++)
        {
            char c = text[at];
            bool isDoubled = at + 1 < text.Length && text[at + 1] == c;
            if (c is not ('{' or '}') || isDoubled)
            {
                output.Append(c);
                at += c is '{' or '}' ? 1 : 0;
                continue;
            }
            int end = c == '{' ? text.IndexOf('}', at) : -1;
            if (end < 0)
                throw new TemplateFault($"a single '{c}' in a format; write '{c}{c}' for the character");
            (Value value, FormatSpecification specification) = Field(text[(at + 1)..end], arguments, ref next);
            isScaffold &= Display.Of(rendering, value).IsScaffold;
            output.Append(specification.Apply(rendering, value));
            Rendering.CheckTextLength(output.Length);
            at = end;
        }
        return rendering.Text(output.ToString(), isScaffold);
    }

    private static (Value Value, FormatSpecification Specification) Field(string field, Arguments arguments, ref int next)
    {
        int colon = field.IndexOf(':', StringComparison.Ordinal);
        string name = colon < 0 ? field : field[..colon];
        bool isQuoted = name.EndsWith("!r", StringComparison.Ordinal);
        name = isQuoted ? name[..^2] : name;
        FormatSpecification specification = Read(colon < 0 ? "" : field[(colon + 1)..]);
        if (isQuoted)
            specification = specification with { Type = 'r' };
        if (name.Length > 0 && !char.IsAsciiDigit(name[0]))
            return (arguments.Find(name) ?? throw new TemplateFault($"the format asks for '{name}', which is not given"), specification);
        int index = name.Length == 0 ? next++ : int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue;
        return index < arguments.Positional.Count
            ? (arguments.Positional[index], specification)
            : throw new TemplateFault("the format asks for more values than there are");
    }

    private static FormatSpecification Read(string text)
    {
        int at = 0;
        char fill = default;
        char align = default;
        if (text.Length > 1 && text[1] is '<' or '>' or '^')
            (fill, align, at) = (text[0], text[1], 2);
        else if (text.Length > 0 && text[0] is '<' or '>' or '^')
            (align, at) = (text[0], 1);
        char sign = at < text.Length && text[at] is '+' or '-' ? text[at++] : default;
        if (at < text.Length && text[at] == '0' && align == default)
            fill = '0';
        int width = FormatDigits.Read(text, ref at) ?? 0;
        bool groups = at < text.Length && text[at] == ',';
        at += groups ? 1 : 0;
        int precision = -1;
        if (at < text.Length && text[at] == '.')
        {
            at++;
            precision = FormatDigits.Read(text, ref at) ?? 0;
        }
        char type = at < text.Length ? text[at++] : default;
        return at < text.Length
            ? throw new TemplateFault($"'{text}' is no format")
            : new FormatSpecification(fill, align, sign, groups, width, precision, type);
    }
}
