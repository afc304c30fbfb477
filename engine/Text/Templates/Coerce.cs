using System.Numerics;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>Arguments as the types that built-in operations work with.</summary>
internal static class Coerce
{
    public static TextValue ToText(Value value, string what) =>
        value as TextValue ?? throw new TemplateFault($"{what} must be a text, not {Name(value)}");

    /// <summary>An integer or a boolean, brought into the range of <see cref="int"/>: what is beyond is beyond every length here.</summary>
    public static int ToIndex(Value value, string what) => value switch
    {
        IntegerValue integer => (int)BigInteger.Clamp(integer.Number, int.MinValue + 1, int.MaxValue),
        BooleanValue boolean => boolean.IsTrue ? 1 : 0,
        _ => throw new TemplateFault($"{what} must be an integer, not {Name(value)}"),
    };

    public static int ToIndex(Value? value, string what, int fallback) => value is null or NoneValue ? fallback : ToIndex(value, what);

    public static bool ToBoolean(Value? value, bool fallback) => value?.IsTrue ?? fallback;

    /// <summary>Integers and booleans as Python counts with them; null for all else.</summary>
    public static BigInteger? AsInteger(Value value) => value switch
    {
        IntegerValue integer => integer.Number,
        BooleanValue boolean => boolean.IsTrue ? BigInteger.One : BigInteger.Zero,
        _ => null,
    };

    public static double? AsNumber(Value value) => value is FloatValue number ? number.Number : (double?)AsInteger(value);

    /// <summary>A type's name for a message, or why the value is undefined.</summary>
    public static string Name(Value value) => value is UndefinedValue undefined ? $"undefined ({undefined.What})" : value.TypeName;

    /// <summary>The elements of what can be iterated: list, mapping (its keys), text (its characters), undefined (none).</summary>
    public static IReadOnlyList<Value> ToItems(Rendering rendering, Value value)
    {
        switch (value)
        {
            case ListValue list:
                rendering.Charge(list.Items.Count);
                return list.Items;
            case MapValue map:
                rendering.Charge(map.Count);
                return [.. map.Entries.Select(entry => entry.Key)];
            case TextValue text:
                rendering.Charge(text.CodePoints);
                return Characters(text);
            case UndefinedValue:
                return [];
            default:
                throw new TemplateFault($"{value.TypeName} cannot be iterated");
        }
    }

    private static List<Value> Characters(TextValue text)
    {
        var characters = new List<Value>(text.CodePoints);
        for (int at = 0; at < text.Content.Length;)
        {
            int length = CodePointLength(text.Content, at);
            characters.Add(text.Slice(at, at + length));
            at += length;
        }
        return characters;
    }

    public static int CodePointLength(string text, int at) =>
        at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;
}
