using System.Globalization;
using System.Numerics;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>Filters that make numbers.</summary>
internal static class NumberFilters
{
    public static IEnumerable<KeyValuePair<string, Filter>> All { get; } = new Dictionary<string, Filter>
    {
        ["int"] = ToInteger,
        ["float"] = ToFloat,
        ["abs"] = (_, v, _) => Coerce.AsNumber(v) is < 0 ? Operators.Negate(v) : Number(v),
        ["round"] = Round,
        ["length"] = Length,
        ["count"] = Length,
        ["sum"] = Sum,
    };

    private static Value Number(Value value) => value is BooleanValue
        ? new IntegerValue(Coerce.AsInteger(value)!.Value)
        : Coerce.AsNumber(value) is null ? throw new TemplateFault($"{Coerce.Name(value)} is no number") : value;

    private static Value ToInteger(Interpreter interpreter, Value input, Arguments arguments)
    {
        Value?[] a = arguments.Bind("int", "default", "base");
        int radix = Coerce.ToIndex(a[1], "a base", 10);
        BigInteger? number = input switch
        {
            TextValue text when radix != 10 => ParseRadix(text.Content, radix),
            TextValue text => ParseInteger(text.Content),
            FloatValue value when double.IsFinite(value.Number) => new BigInteger(value.Number),
            _ => Coerce.AsInteger(input),
        };
        return number is { } found ? new IntegerValue(found) : a[0] ?? new IntegerValue(0);
    }

    private static BigInteger? ParseInteger(string text)
    {
        text = text.Trim().Replace("_", "", StringComparison.Ordinal);
        if (text.Length > TemplateLimits.IntegerBits * 3 / 10)
            return null;
        if (BigInteger.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger integer))
            return integer;
        return ParseFloat(text) is { } number && double.IsFinite(number) ? new BigInteger(number) : null;
    }

    private static BigInteger? ParseRadix(string text, int radix)
    {
        text = text.Trim();
        if (text.StartsWith(radix switch { 16 => "0x", 8 => "0o", _ => "0b" }, StringComparison.OrdinalIgnoreCase))
            text = text[2..];
        BigInteger value = BigInteger.Zero;
        foreach (char c in text)
        {
            int digit = char.IsAsciiDigit(c) ? c - '0' : char.IsAsciiLetter(c) ? char.ToLowerInvariant(c) - 'a' + 10 : int.MaxValue;
            if (digit >= radix || value.GetBitLength() > TemplateLimits.IntegerBits)
                return null;
            value = (value * radix) + digit;
        }
        return text.Length == 0 ? null : value;
    }

    private static double? ParseFloat(string text) =>
        double.TryParse(text.AsSpan().Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;

    private static Value ToFloat(Interpreter interpreter, Value input, Arguments arguments)
    {
        double? number = input is TextValue text ? ParseFloat(text.Content) : Coerce.AsNumber(input);
        return number is { } found ? new FloatValue(found) : arguments.Bind("float", "default")[0] ?? new FloatValue(0);
    }

    private static Value Round(Interpreter interpreter, Value input, Arguments arguments)
    {
        Value?[] a = arguments.Bind("round", "precision", "method");
        int precision = Math.Clamp(Coerce.ToIndex(a[0], "a precision", 0), -300, 300);
        string method = a[1] is { } name ? Coerce.ToText(name, "a method").Content : "common";
        double number = Coerce.AsNumber(Number(input))!.Value;
        double scale = Math.Pow(10, precision);
        return method switch
        {
            "common" when Coerce.AsInteger(input) is { } integer && precision >= 0 => new IntegerValue(integer),
            // decimal digits first, as Python rounds what is printed: 2.675 is 2.67499…
            "common" when precision is >= 0 and <= 15 => new FloatValue(RoundDecimal(number, precision)),
            "common" => new FloatValue(Math.Round(number * scale, MidpointRounding.ToEven) / scale),
            "ceil" => new FloatValue(Math.Ceiling(number * scale) / scale),
            "floor" => new FloatValue(Math.Floor(number * scale) / scale),
            _ => throw new TemplateFault("a rounding method is 'common', 'ceil' or 'floor'"),
        };
    }

    private static double RoundDecimal(double number, int precision)
    {
        if (!double.IsFinite(number))
            return number;
        if (precision == 0)
            return Math.Round(number, MidpointRounding.ToEven);
        return double.Parse(number.ToString("F" + precision, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    }

    private static IntegerValue Length(Interpreter interpreter, Value input, Arguments arguments) => new(input switch
    {
        TextValue text => text.CodePoints,
        ListValue list => list.Items.Count,
        MapValue map => map.Count,
        UndefinedValue => 0,
        LoopValue loop => loop.Length,
        _ => throw new TemplateFault($"{input.TypeName} has no length"),
    });

    private static Value Sum(Interpreter interpreter, Value input, Arguments arguments)
    {
        Value?[] a = arguments.Bind("sum", "attribute", "start");
        Rendering rendering = interpreter.Rendering;
        Value sum = a[1] ?? new IntegerValue(0);
        foreach (Value item in Coerce.ToItems(rendering, input))
        {
            Value part = a[0] is { } attribute and not NoneValue ? Lookup.Path(rendering, item, attribute) : item;
            sum = Arithmetic.Apply(rendering, "+", sum, part);
        }
        return sum;
    }
}
