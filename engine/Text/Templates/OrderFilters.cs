namespace SmolCluster.Engine.Text.Templates;

/// <summary>Filters that compare elements: sort, dictsort, groupby, min, max.</summary>
internal static class OrderFilters
{
    public static IEnumerable<KeyValuePair<string, Filter>> All { get; } = new Dictionary<string, Filter>
    {
        ["sort"] = Sort,
        ["dictsort"] = SortMap,
        ["groupby"] = GroupBy,
        ["min"] = (i, v, a) => Extreme(i, v, a, "min", 1),
        ["max"] = (i, v, a) => Extreme(i, v, a, "max", -1),
    };

    /// <summary>What an element is compared by: itself or an attribute, texts in lower case unless case counts.</summary>
    public static Value Key(Interpreter interpreter, Value item, Value? attribute, bool isCaseSensitive)
    {
        Rendering rendering = interpreter.Rendering;
        Value key = attribute is null or NoneValue ? item : Lookup.Path(rendering, item, attribute);
        return key is TextValue text && !isCaseSensitive ? TextOperations.Lower(rendering, text) : key;
    }

    private static Value[] SortBy(Interpreter interpreter, IReadOnlyList<Value> items, Func<Value, Value> key, bool isReverse)
    {
        Rendering rendering = interpreter.Rendering;
        (Value Key, Value Item)[] keyed = [.. items.Select(item => (key(item), item))];
        int sign = isReverse ? -1 : 1;
        return [.. Sorting.Sort(rendering, keyed, (a, b) => sign * Operators.Compare(rendering, a.Key, b.Key)).Select(pair => pair.Item)];
    }

    private static ListValue Sort(Interpreter interpreter, Value input, Arguments arguments)
    {
        Value?[] a = arguments.Bind("sort", "reverse", "case_sensitive", "attribute");
        bool isCaseSensitive = Coerce.ToBoolean(a[1], false);
        IReadOnlyList<Value> items = Coerce.ToItems(interpreter.Rendering, input);
        Value[] attributes = a[2] is TextValue text ? [.. text.Content.Split(',').Select(part => new TextValue(part, isScaffold: true))] : [];
        Func<Value, Value> key = attributes.Length > 1
            ? item => new ListValue([.. attributes.Select(attribute => Key(interpreter, item, attribute, isCaseSensitive))])
            : item => Key(interpreter, item, a[2], isCaseSensitive);
        return new ListValue(SortBy(interpreter, items, key, Coerce.ToBoolean(a[0], false)));
    }

    private static ListValue SortMap(Interpreter interpreter, Value input, Arguments arguments)
    {
        Value?[] a = arguments.Bind("dictsort", "case_sensitive", "by", "reverse");
        string by = a[1] is { } given ? Coerce.ToText(given, "'by'").Content : "key";
        if (by is not ("key" or "value"))
            throw new TemplateFault("'dictsort' sorts by 'key' or 'value'");
        if (input is not MapValue map)
            throw new TemplateFault($"'dictsort' needs a mapping, not {Coerce.Name(input)}");
        Value index = new IntegerValue(by == "key" ? 0 : 1);
        var pairs = (ListValue)ContainerMethods.Items(interpreter.Rendering, map, Arguments.None);
        return new ListValue(SortBy(interpreter, pairs.Items, pair => Key(interpreter, pair, index, Coerce.ToBoolean(a[0], false)),
            Coerce.ToBoolean(a[2], false)));
    }

    private static ListValue GroupBy(Interpreter interpreter, Value input, Arguments arguments)
    {
        Value[] a = arguments.Require("groupby", 1, "attribute", "default", "case_sensitive");
        bool isCaseSensitive = Coerce.ToBoolean(a[2], false);
        Value[] items = SortBy(interpreter, Coerce.ToItems(interpreter.Rendering, input), GroupKey, isReverse: false);
        var groups = new List<Value>();
        for (int start = 0, end; start < items.Length; start = end)
        {
            Value key = GroupKey(items[start]);
            for (end = start + 1; end < items.Length && Operators.AreEqual(interpreter.Rendering, key, GroupKey(items[end])); end++)
                continue;
            groups.Add(new ListValue([Lookup.Path(interpreter.Rendering, items[start], a[0]), new ListValue(items[start..end])], isTuple: true));
        }
        return new ListValue(groups);

        Value GroupKey(Value item) => Key(interpreter, item, a[0], isCaseSensitive) is UndefinedValue && a[1] is { } fallback
            ? fallback
            : Key(interpreter, item, a[0], isCaseSensitive);
    }

    private static Value Extreme(Interpreter interpreter, Value input, Arguments arguments, string name, int sign)
    {
        Value?[] a = arguments.Bind(name, "case_sensitive", "attribute");
        Rendering rendering = interpreter.Rendering;
        Value best = new UndefinedValue($"an empty list has no {name}");
        Value? bestKey = null;
        foreach (Value item in Coerce.ToItems(rendering, input))
        {
            Value key = Key(interpreter, item, a[1], Coerce.ToBoolean(a[0], false));
            if (bestKey is null || sign * Operators.Compare(rendering, key, bestKey) < 0)
                (best, bestKey) = (item, key);
        }
        return best;
    }
}
