namespace SmolCluster.Engine.Text.Templates;

/// <summary>map, select, reject, selectattr, rejectattr: filters that apply filters and tests to elements.</summary>
internal static class SelectionFilters
{
    public static IEnumerable<KeyValuePair<string, Filter>> All { get; } = new Dictionary<string, Filter>
    {
        ["map"] = Map,
        ["select"] = (i, v, a) => Select(i, v, a, byAttribute: false, keeps: true),
        ["reject"] = (i, v, a) => Select(i, v, a, byAttribute: false, keeps: false),
        ["selectattr"] = (i, v, a) => Select(i, v, a, byAttribute: true, keeps: true),
        ["rejectattr"] = (i, v, a) => Select(i, v, a, byAttribute: true, keeps: false),
    };

    /// <summary>Jinja looks into nothing that is false, so that none has no elements here, though it cannot be iterated.</summary>
    private static IReadOnlyList<Value> Items(Rendering rendering, Value input) => input.IsTrue ? Coerce.ToItems(rendering, input) : [];

    private static ListValue Map(Interpreter interpreter, Value input, Arguments arguments)
    {
        Rendering rendering = interpreter.Rendering;
        IReadOnlyList<Value> items = Items(rendering, input);
        if (arguments.Positional.Count == 0)
        {
            Value[] a = arguments.Require("map", 1, "attribute", "default");
            return new ListValue([.. items.Select(item => Lookup.Path(rendering, item, a[0])).Select(found => found is UndefinedValue ? a[1] ?? found : found)]);
        }
        string name = Coerce.ToText(arguments.Positional[0], "a filter's name").Content;
        Arguments rest = arguments.Skip(1);
        return new ListValue([.. items.Select(item => Filters.Apply(interpreter, name, item, rest))]);
    }

    private static ListValue Select(Interpreter interpreter, Value input, Arguments arguments, bool byAttribute, bool keeps)
    {
        int skipped = byAttribute ? 1 : 0;
        if (arguments.Positional.Count < skipped)
            throw new TemplateFault("'selectattr' and 'rejectattr' need an attribute's name");
        bool hasTest = arguments.Positional.Count > skipped;
        string? test = hasTest ? Coerce.ToText(arguments.Positional[skipped], "a test's name").Content : null;
        Arguments rest = arguments.Skip(skipped + (hasTest ? 1 : 0));
        var kept = new List<Value>();
        foreach (Value item in Items(interpreter.Rendering, input))
        {
            Value value = byAttribute ? Lookup.Path(interpreter.Rendering, item, arguments.Positional[0]) : item;
            bool passes = test is null ? value.IsTrue : Predicates.Test(interpreter.Rendering, test, value, rest);
            if (passes == keeps)
                kept.Add(item);
        }
        return new ListValue(kept);
    }
}
