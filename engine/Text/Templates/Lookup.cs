namespace SmolCluster.Engine.Text.Templates;

/// <summary>Attributes, items and slices. An attribute is a method first and an item second, an item the other way round,
/// as Jinja has it: <c>properties.items()</c> works on a mapping that has a key "items".</summary>
internal static class Lookup
{
    public static Value Attribute(Rendering rendering, Value target, string name)
    {
        Refuse(target, name);
        return Member(rendering, target, name)
            ?? (target as MapValue)?.Find(name)
            ?? new UndefinedValue($"{target.TypeName} has no attribute '{name}'");
    }

    public static Value Item(Rendering rendering, Value target, Value index)
    {
        string what = index is TextValue name ? $"'{name.Content}'" : "that key";
        Refuse(target, what);
        Value? found = target switch
        {
            MapValue map => map.Find(index),
            ListValue list when Coerce.AsInteger(index) is not null => At(list, Coerce.ToIndex(index, "an index")),
            TextValue text when Coerce.AsInteger(index) is not null => At(text, Coerce.ToIndex(index, "an index")),
            _ => null,
        };
        found ??= index is TextValue member ? Member(rendering, target, member.Content) : null;
        return found ?? new UndefinedValue($"{target.TypeName} has no item {(index is TextValue or MapValue ? what : Display.Of(rendering, index).Content)}");
    }

    /// <summary>A path as in map(attribute='function.name'); digits are indices.</summary>
    public static Value Path(Rendering rendering, Value target, Value path)
    {
        if (path is not TextValue text)
            return Item(rendering, target, path);
        foreach (string part in text.Content.Split('.'))
        {
            rendering.Charge();
            target = int.TryParse(part, out int index)
                ? Item(rendering, target, new IntegerValue(index))
                : Item(rendering, target, new TextValue(part, isScaffold: true));
        }
        return target;
    }

    private static void Refuse(Value target, string name)
    {
        if (target is UndefinedValue undefined)
            throw new TemplateFault($"{undefined.What}, so it has no '{name.Trim('\'')}' either");
    }

    private static Value? Member(Rendering rendering, Value target, string name) => target switch
    {
        TextValue text when TextMethods.Find(name) is { } method => Bind(rendering, text, name, method),
        MapValue map when ContainerMethods.OfMap(name) is { } method => Bind(rendering, map, name, method),
        ListValue list when ContainerMethods.OfList(name) is { } method => Bind(rendering, list, name, method),
        NamespaceValue space => space.Attributes.GetValueOrDefault(name),
        LoopValue loop => loop.Member(name),
        _ => null,
    };

    private static CallableValue Bind<T>(Rendering rendering, T self, string name, Func<Rendering, T, Arguments, Value> method) =>
        new(name, arguments => method(rendering, self, arguments));

    private static Value? At(ListValue list, int index)
    {
        index += index < 0 ? list.Items.Count : 0;
        return index >= 0 && index < list.Items.Count ? list.Items[index] : null;
    }

    private static TextValue? At(TextValue text, int index)
    {
        index += index < 0 ? text.CodePoints : 0;
        return index >= 0 && index < text.CodePoints ? Slice(text, index, index + 1) : null;
    }

    /// <summary>A slice between two code points.</summary>
    public static TextValue Slice(TextValue text, int start, int end) =>
        text.HasPairs ? text.Slice(Offset(text.Content, start), Offset(text.Content, end)) : text.Slice(start, end);

    /// <summary>The UTF-16 offset of a code point.</summary>
    public static int Offset(string text, int codePoint)
    {
        int at = 0;
        for (; codePoint > 0 && at < text.Length; codePoint--)
            at += Coerce.CodePointLength(text, at);
        return at;
    }

    public static Value Slice(Rendering rendering, Value target, Value? startValue, Value? stopValue, Value? stepValue)
    {
        if (target is UndefinedValue)
            Refuse(target, "slice");
        int length = target switch
        {
            ListValue items => items.Items.Count,
            TextValue characters => characters.CodePoints,
            _ => throw new TemplateFault($"{target.TypeName} cannot be sliced"),
        };
        int step = Coerce.ToIndex(stepValue, "a slice's step", 1);
        if (step == 0)
            throw new TemplateFault("a slice's step cannot be zero");
        int start = Bound(startValue, length, step, step > 0 ? 0 : length - 1);
        int stop = Bound(stopValue, length, step, step > 0 ? length : -1);
        if (target is TextValue text && step == 1)
        {
            rendering.ChargeText(text.Content.Length);
            return start < stop ? Slice(text, start, stop) : TextValue.Empty;
        }
        return Pick(rendering, target, start, stop, step);
    }

    private static int Bound(Value? value, int length, int step, int fallback)
    {
        if (value is null or NoneValue)
            return fallback;
        long bound = Coerce.ToIndex(value, "a slice's bound");
        bound += bound < 0 ? length : 0;
        return (int)(step > 0 ? Math.Clamp(bound, 0, length) : Math.Clamp(bound, -1, length - 1));
    }

    private static Value Pick(Rendering rendering, Value target, int start, int stop, int step)
    {
        IReadOnlyList<Value> items = Coerce.ToItems(rendering, target);
        var picked = new List<Value>();
        for (long at = start; step > 0 ? at < stop : at > stop; at += step)
            picked.Add(items[(int)at]);
        if (target is ListValue list)
            return new ListValue(picked, list.IsTuple);
        var builder = new TextBuilder(rendering);
        foreach (Value character in picked)
            builder.Append((TextValue)character);
        return builder.ToText();
    }
}
