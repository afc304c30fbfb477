namespace SmolCluster.Engine.Text.Templates;

/// <summary>Filters over lists and mappings, and default. What is a generator in Jinja is a list here.</summary>
internal static class SequenceFilters
{
    public static IEnumerable<KeyValuePair<string, Filter>> All { get; } = new Dictionary<string, Filter>
    {
        ["default"] = Default,
        ["d"] = Default,
        ["list"] = (i, v, _) => new ListValue(Coerce.ToItems(i.Rendering, v)),
        ["first"] = (i, v, _) => Coerce.ToItems(i.Rendering, v) is [Value first, ..] ? first : new UndefinedValue("an empty list has no first element"),
        ["last"] = (i, v, _) => Coerce.ToItems(i.Rendering, v) is [.., Value last] ? last : new UndefinedValue("an empty list has no last element"),
        ["reverse"] = Reverse,
        ["items"] = Items,
        ["batch"] = Batch,
        ["slice"] = Slice,
        ["attr"] = (i, v, a) => Lookup.Attribute(i.Rendering, v, Coerce.ToText(a.Require("attr", 1, "name")[0], "an attribute's name").Content),
        ["unique"] = Unique,
    };

    private static Value Default(Interpreter interpreter, Value input, Arguments arguments)
    {
        Value?[] a = arguments.Bind("default", "default_value", "boolean");
        return input is UndefinedValue || (Coerce.ToBoolean(a[1], false) && !input.IsTrue) ? a[0] ?? TextValue.Empty : input;
    }

    private static Value Reverse(Interpreter interpreter, Value input, Arguments arguments) => input is TextValue
        ? Lookup.Slice(interpreter.Rendering, input, null, null, new IntegerValue(-1))
        : new ListValue([.. Coerce.ToItems(interpreter.Rendering, input).Reverse()]);

    private static Value Items(Interpreter interpreter, Value input, Arguments arguments) => input switch
    {
        MapValue map => ContainerMethods.Items(interpreter.Rendering, map, arguments),
        UndefinedValue => new ListValue([]),
        _ => throw new TemplateFault($"'items' needs a mapping, not {input.TypeName}"),
    };

    private static ListValue Batch(Interpreter interpreter, Value input, Arguments arguments)
    {
        Value[] a = arguments.Require("batch", 1, "linecount", "fill_with");
        int size = Size(a[0]);
        var batches = new List<Value>();
        foreach (Value[] chunk in Coerce.ToItems(interpreter.Rendering, input).Chunk(size))
            batches.Add(new ListValue(Fill(interpreter, chunk, size, a[1])));
        return new ListValue(batches);
    }

    private static int Size(Value value)
    {
        int size = Coerce.ToIndex(value, "a size");
        return size is > 0 and <= TemplateLimits.RangeLength ? size : throw new TemplateFault($"a size must lie between 1 and {TemplateLimits.RangeLength}");
    }

    private static Value[] Fill(Interpreter interpreter, Value[] chunk, int size, Value? filler)
    {
        if (filler is null or NoneValue || chunk.Length >= size)
            return chunk;
        interpreter.Rendering.Charge(size);
        return [.. chunk, .. Enumerable.Repeat(filler, size - chunk.Length)];
    }

    private static ListValue Slice(Interpreter interpreter, Value input, Arguments arguments)
    {
        Value[] a = arguments.Require("slice", 1, "slices", "fill_with");
        int count = Size(a[0]);
        IReadOnlyList<Value> items = Coerce.ToItems(interpreter.Rendering, input);
        interpreter.Rendering.Charge(count);
        (int size, int longer) = Math.DivRem(items.Count, count);
        var slices = new List<Value>(count);
        for (int i = 0, at = 0; i < count; i++)
        {
            int length = size + (i < longer ? 1 : 0);
            Value[] part = [.. items.Skip(at).Take(length)];
            slices.Add(new ListValue(longer == 0 ? part : Fill(interpreter, part, size + 1, a[1])));
            at += length;
        }
        return new ListValue(slices);
    }

    private static ListValue Unique(Interpreter interpreter, Value input, Arguments arguments)
    {
        Value?[] a = arguments.Bind("unique", "case_sensitive", "attribute");
        var seen = new HashSet<object>();
        var kept = new List<Value>();
        foreach (Value item in Coerce.ToItems(interpreter.Rendering, input))
        {
            Value key = OrderFilters.Key(interpreter, item, a[1], Coerce.ToBoolean(a[0], false));
            if (seen.Add(MapValue.Identity(key) ?? throw new TemplateFault($"'unique' cannot compare {key.TypeName}")))
                kept.Add(item);
        }
        return new ListValue(kept);
    }
}
