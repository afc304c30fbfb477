using System.Globalization;
using System.Numerics;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>How one value is written into a format: <c>%-8.2f</c> or <c>{:&gt;8.2f}</c>.</summary>
/// <param name="Align"><c>&lt;</c>, <c>&gt;</c>, <c>^</c>, or none for the type's own.</param>
/// <param name="Type">s, r, d, f, F, e, g, x, X, o, %, or none.</param>
internal readonly record struct FormatSpecification(char Fill, char Align, char Sign, bool Groups, int Width, int Precision, char Type)
{
    private const int Widest = 1000;

    public string Apply(Rendering rendering, Value value)
    {
        if (Width > Widest || Precision > Widest)
            throw new TemplateFault($"a format is wider than {Widest} characters");
        bool isNumber = Type is not ('s' or 'r') && Coerce.AsNumber(value) is not null;
        string text = isNumber ? Number(rendering, value) : Text(rendering, value);
        int padding = Math.Max(0, Width - TextValue.CountCodePoints(text));
        char align = Align != default ? Align : isNumber ? '>' : '<';
        int left = align switch { '<' => 0, '>' => padding, _ => padding / 2 };
        if (isNumber && Fill == '0' && Align == default && text[0] is '-' or '+')
            return text[0] + new string('0', padding) + text[1..];
        char fill = Fill == default ? ' ' : Fill;
        return new string(fill, left) + text + new string(fill, padding - left);
    }

    private string Text(Rendering rendering, Value value)
    {
        if (Type is not (default(char) or 's' or 'r'))
            throw new TemplateFault($"the format '{Type}' needs a number, not {Coerce.Name(value)}");
        string text = (Type == 'r' ? Display.Quoted(rendering, value) : Display.Of(rendering, value)).Content;
        return Precision >= 0 && text.Length > Precision ? text[..Precision] : text;
    }

    private string Number(Rendering rendering, Value value)
    {
        double number = Coerce.AsNumber(value)!.Value;
        BigInteger integer = Coerce.AsInteger(value) ?? (double.IsFinite(number) ? new BigInteger(number) : BigInteger.Zero);
        CultureInfo culture = CultureInfo.InvariantCulture;
        int digits = Precision < 0 ? 6 : Precision;
        string text = Type switch
        {
            'd' or 'i' or 'u' => integer.ToString(Groups ? "N0" : "D", culture),
            'f' or 'F' => number.ToString((Groups ? "N" : "F") + digits, culture),
            '%' => (number * 100).ToString("F" + digits, culture) + "%",
            'e' or 'E' => number.ToString("0." + new string('0', digits) + Type + "+00", culture),
            'g' or 'G' => number.ToString("G" + Math.Max(1, digits), culture),
            'x' => integer.ToString("x", culture).TrimStart('0').PadLeft(1, '0'),
            'X' => integer.ToString("X", culture).TrimStart('0').PadLeft(1, '0'),
            default(char) when Groups => integer.ToString("N0", culture),
            default(char) when Precision >= 0 => number.ToString("G" + Math.Max(1, digits), culture),
            default(char) => Display.Of(rendering, value).Content,
            _ => throw new TemplateFault($"'{Type}' is no format for a number here"),
        };
        return Sign == '+' && text[0] != '-' ? "+" + text : text;
    }
}
