using System.Numerics;

namespace SmolCluster.Engine.Text.Templates;

/// <summary><c>+ - * / // % **</c> with Python's rules: floor division, a remainder with the divisor's sign, lists and texts
/// repeated. Sizes are checked before anything is computed.</summary>
internal static class Arithmetic
{
    public static Value Apply(Rendering rendering, string name, Value a, Value b)
    {
        if (name == "%" && a is TextValue format)
            return PercentFormat.Format(rendering, format, b is ListValue { IsTuple: true } list ? list.Items : [b]);
        if (Coerce.AsInteger(a) is { } x && Coerce.AsInteger(b) is { } y)
            return OfIntegers(name, x, y);
        if (Coerce.AsNumber(a) is { } left && Coerce.AsNumber(b) is { } right)
            return new FloatValue(OfFloats(name, left, right));
        return name switch
        {
            "+" => Add(rendering, a, b),
            "*" => Repeat(rendering, a, b),
            _ => throw Mismatch(name, a, b),
        };
    }

    private static TemplateFault Mismatch(string name, Value a, Value b) =>
        new($"'{name}' does not work on {Coerce.Name(a)} and {Coerce.Name(b)}");

    private static Value Add(Rendering rendering, Value a, Value b)
    {
        if (a is TextValue left && b is TextValue right)
            return new TextBuilder(rendering).Append(left).Append(right).ToText();
        if (a is ListValue x && b is ListValue y && x.IsTuple == y.IsTuple)
        {
            rendering.Charge((long)x.Items.Count + y.Items.Count);
            return new ListValue([.. x.Items, .. y.Items], x.IsTuple);
        }
        if (rendering.Style == TextStyle.Json && IsText(a, b) && !IsAbsent(a) && !IsAbsent(b))
            return new TextBuilder(rendering).Append(Display.Of(rendering, a)).Append(Display.Of(rendering, b)).ToText();
        throw Mismatch("+", a, b);
    }

    private static bool IsText(Value a, Value b) => a is TextValue || b is TextValue;

    private static bool IsAbsent(Value value) => value is NoneValue or UndefinedValue or CallableValue or NamespaceValue;

    private static Value Repeat(Rendering rendering, Value a, Value b)
    {
        if (Coerce.AsInteger(a) is not null)
            (a, b) = (b, a);
        if (Coerce.AsInteger(b) is null)
            throw Mismatch("*", a, b);
        int count = Math.Max(Coerce.ToIndex(b, "a count"), 0);
        if (a is TextValue text)
        {
            rendering.ChargeText((long)text.Content.Length * count);
            rendering.Charge(text.Content.Length == 0 ? 0 : count);
            var builder = new TextBuilder(rendering);
            for (int i = 0; i < count && text.Content.Length > 0; i++)
                builder.Append(text);
            return builder.ToText();
        }
        if (a is not ListValue list)
            throw Mismatch("*", a, b);
        rendering.Charge((long)list.Items.Count * count);
        return new ListValue([.. Enumerable.Range(0, list.Items.Count == 0 ? 0 : count).SelectMany(_ => list.Items)], list.IsTuple);
    }

    private static Value OfIntegers(string name, BigInteger a, BigInteger b) => name switch
    {
        "+" => new IntegerValue(a + b),
        "-" => new IntegerValue(a - b),
        "*" => new IntegerValue(a * b),
        "/" => b.IsZero ? throw DivisionByZero() : new FloatValue((double)a / (double)b),
        "//" => b.IsZero ? throw DivisionByZero() : new IntegerValue(FloorDivide(a, b)),
        "%" => b.IsZero ? throw DivisionByZero() : new IntegerValue(a - (FloorDivide(a, b) * b)),
        _ => Power(a, b),
    };

    private static TemplateFault DivisionByZero() => new("a division by zero");

    private static BigInteger FloorDivide(BigInteger a, BigInteger b)
    {
        BigInteger quotient = BigInteger.DivRem(a, b, out BigInteger remainder);
        return !remainder.IsZero && (remainder.Sign < 0) != (b.Sign < 0) ? quotient - 1 : quotient;
    }

    private static Value Power(BigInteger a, BigInteger b)
    {
        if (b.Sign < 0)
            return a.IsZero ? throw DivisionByZero() : new FloatValue(Math.Pow((double)a, (double)b));
        if (BigInteger.Abs(a) <= 1)
            return new IntegerValue(b.IsZero ? BigInteger.One : BigInteger.Pow(a, b.IsEven ? 2 : 1));
        if (b * (a.GetBitLength() - 1) > TemplateLimits.IntegerBits)
            throw new TemplateFault($"an integer takes more than {TemplateLimits.IntegerBits} bits");
        return new IntegerValue(BigInteger.Pow(a, (int)b));
    }

    private static double OfFloats(string name, double a, double b) => name switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "**" => Math.Pow(a, b),
        _ when b == 0 => throw DivisionByZero(),
        "/" => a / b,
        "//" => Math.Floor(a / b),
        _ => a - (Math.Floor(a / b) * b),
    };
}
