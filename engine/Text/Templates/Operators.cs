using System.Numerics;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>Equality, order and membership with Python's rules.</summary>
internal static class Operators
{
    public static bool AreEqual(Rendering rendering, Value a, Value b)
    {
        rendering.Charge();
        switch (a, b)
        {
            case (TextValue x, TextValue y):
                rendering.ChargeText(Math.Min(x.Content.Length, y.Content.Length));
                return x.Content == y.Content;
            case (ListValue x, ListValue y):
                return x.IsTuple == y.IsTuple && AreEqual(rendering, x.Items, y.Items);
            case (MapValue x, MapValue y):
                return x.Count == y.Count && x.Entries.All(entry => y.Find(entry.Key) is { } other && AreEqual(rendering, entry.Value, other));
            case (UndefinedValue, UndefinedValue):
                return true;
            case (BooleanValue, not BooleanValue) or (not BooleanValue, BooleanValue) when rendering.Style == TextStyle.Json:
                return false;
        }
        return ReferenceEquals(a, b) || (CompareNumbers(a, b) is { } order && order == 0);
    }

    private static bool AreEqual(Rendering rendering, IReadOnlyList<Value> a, IReadOnlyList<Value> b)
    {
        if (a.Count != b.Count)
            return false;
        for (int i = 0; i < a.Count; i++)
        {
            if (!AreEqual(rendering, a[i], b[i]))
                return false;
        }
        return true;
    }

    /// <summary>Null where either is no number, or NaN.</summary>
    private static int? CompareNumbers(Value a, Value b)
    {
        if (Coerce.AsInteger(a) is { } x && Coerce.AsInteger(b) is { } y)
            return x.CompareTo(y);
        if (Coerce.AsNumber(a) is not { } left || Coerce.AsNumber(b) is not { } right || double.IsNaN(left) || double.IsNaN(right))
            return null;
        return left.CompareTo(right);
    }

    /// <exception cref="TemplateFault">Values of kinds that have no order.</exception>
    public static int Compare(Rendering rendering, Value a, Value b)
    {
        rendering.Charge();
        if (a is TextValue x && b is TextValue y)
            return string.CompareOrdinal(x.Content, y.Content);
        if (a is ListValue left && b is ListValue right && left.IsTuple == right.IsTuple)
            return Compare(rendering, left.Items, right.Items);
        if (Coerce.AsNumber(a) is not null && Coerce.AsNumber(b) is not null)
            return CompareNumbers(a, b) ?? 1;
        if (a is NoneValue && b is NoneValue)
            return 0;
        throw new TemplateFault($"{Coerce.Name(a)} and {Coerce.Name(b)} have no order");
    }

    private static int Compare(Rendering rendering, IReadOnlyList<Value> a, IReadOnlyList<Value> b)
    {
        for (int i = 0; i < Math.Min(a.Count, b.Count); i++)
        {
            if (!AreEqual(rendering, a[i], b[i]))
                return Compare(rendering, a[i], b[i]);
        }
        return a.Count.CompareTo(b.Count);
    }

    /// <summary><c>item in container</c>.</summary>
    public static bool Contains(Rendering rendering, Value container, Value item)
    {
        switch (container)
        {
            case TextValue text when item is TextValue part:
                return TextSearch.IndexOf(rendering, text.Content, part.Content, 0) >= 0;
            case TextValue when rendering.Style == TextStyle.Python:
                throw new TemplateFault($"only a text can be in a text, not {Coerce.Name(item)}");
            case ListValue list:
                return list.Items.Any(element => AreEqual(rendering, element, item));
            case MapValue map:
                return map.Find(item) is not null;
            case UndefinedValue or TextValue:
                return false;
            default:
                throw new TemplateFault($"nothing can be in {container.TypeName}: expected a text, list or mapping");
        }
    }

    public static bool Test(Rendering rendering, string name, Value a, Value b) => name switch
    {
        "==" => AreEqual(rendering, a, b),
        "!=" => !AreEqual(rendering, a, b),
        "<" => Compare(rendering, a, b) < 0,
        "<=" => Compare(rendering, a, b) <= 0,
        ">" => Compare(rendering, a, b) > 0,
        ">=" => Compare(rendering, a, b) >= 0,
        "in" => Contains(rendering, b, a),
        _ => !Contains(rendering, b, a),
    };

    public static Value Negate(Value value) => value switch
    {
        FloatValue number => new FloatValue(-number.Number),
        _ when Coerce.AsInteger(value) is { } integer => new IntegerValue(BigInteger.Negate(integer)),
        _ => throw new TemplateFault($"{Coerce.Name(value)} has no sign"),
    };
}
