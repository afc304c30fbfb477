using System.Text;

namespace SmolCluster.Engine.Text.Templates;

/// <summary><c>'%s is %d' % (a, b)</c> and the format filter. Characters lose their marks here: the result is scaffold only if
/// the format and every text in it are.</summary>
internal static class PercentFormat
{
    public static TextValue Format(Rendering rendering, TextValue format, IReadOnlyList<Value> values)
    {
        var output = new StringBuilder();
        string text = format.Content;
        bool isScaffold = format.IsScaffold;
        int used = 0;
        rendering.ChargeText(text.Length);
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] != '%')
            {
                output.Append(text[at]);
                continue;
            }
            at++;
            FormatSpecification specification = Read(text, ref at);
            if (specification.Type == '%')
            {
                output.Append('%');
                continue;
            }
            if (used == values.Count)
                throw new TemplateFault("the format asks for more values than there are");
            Value value = values[used++];
            isScaffold &= Display.Of(rendering, value).IsScaffold;
            output.Append(specification.Apply(rendering, value));
            Rendering.CheckTextLength(output.Length);
        }
        if (used < values.Count)
            throw new TemplateFault("there are more values than the format asks for");
        return rendering.Text(output.ToString(), isScaffold);
    }

    private static FormatSpecification Read(string text, ref int at)
    {
        (char fill, char align, char sign) = (default, '>', default);
        for (; at < text.Length && text[at] is '-' or '0' or '+' or ' ' or '#'; at++)
        {
            switch (text[at])
            {
                case '-': align = '<'; break;
                case '0': (fill, align) = ('0', default); break;
                case '+': sign = '+'; break;
            }
        }
        int width = FormatDigits.Read(text, ref at) ?? 0;
        int precision = -1;
        if (at < text.Length && text[at] == '.')
        {
            at++;
            precision = FormatDigits.Read(text, ref at) ?? 0;
        }
        if (at >= text.Length || !"sdiufFeEgGxXr%".Contains(text[at], StringComparison.Ordinal))
            throw new TemplateFault("a format's '%' is followed by no type; write '%%' for the character");
        return new FormatSpecification(fill, align, sign, Groups: false, width, precision, text[at]);
    }
}

/// <summary>Digits inside a format, far fewer than could overflow.</summary>
internal static class FormatDigits
{
    public static int? Read(string text, ref int at)
    {
        int start = at;
        int value = 0;
        for (; at < text.Length && char.IsAsciiDigit(text[at]); at++)
            value = Math.Min((value * 10) + text[at] - '0', 1_000_000);
        return at == start ? null : value;
    }
}
