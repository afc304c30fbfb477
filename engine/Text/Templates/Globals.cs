using System.Numerics;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>The functions every chat template may call.</summary>
internal static class Globals
{
    public static Dictionary<string, Value> Create(Rendering rendering)
    {
        CallableValue[] functions =
        [
            new("range", arguments => Range(rendering, arguments)),
            new("dict", Dictionary),
            new("namespace", Namespace),
            new("raise_exception", arguments => throw Raise(rendering, arguments)),
            new("strftime_now", arguments =>
                ClockFormat.Format(rendering, Coerce.ToText(arguments.Require("strftime_now", 1, "format")[0], "a time's format"))),
            new("joiner", arguments => Joiner(arguments)),
        ];
        return functions.ToDictionary(function => function.Name, Value (function) => function, StringComparer.Ordinal);
    }

    private static TemplateFault Raise(Rendering rendering, Arguments arguments) =>
        new(Display.Of(rendering, arguments.Require("raise_exception", 1, "message")[0]).Content, isRaisedByTemplate: true);

    private static ListValue Range(Rendering rendering, Arguments arguments)
    {
        Value[] a = arguments.Require("range", 1, "start", "stop", "step");
        BigInteger start = a[1] is null ? 0 : Integer(a[0]);
        BigInteger stop = a[1] is null ? Integer(a[0]) : Integer(a[1]);
        BigInteger step = a[2] is null ? 1 : Integer(a[2]);
        if (step.IsZero)
            throw new TemplateFault("a range's step cannot be zero");
        BigInteger length = (stop - start + step - step.Sign) / step;
        if (length > TemplateLimits.RangeLength)
            throw new TemplateFault($"a range has more than {TemplateLimits.RangeLength} elements");
        int count = (int)BigInteger.Max(length, 0);
        rendering.Charge(count);
        return new ListValue([.. Enumerable.Range(0, count).Select(i => new IntegerValue(start + (step * i)))]);
    }

    private static BigInteger Integer(Value value) =>
        Coerce.AsInteger(value) ?? throw new TemplateFault($"a range needs integers, not {Coerce.Name(value)}");

    private static MapValue Dictionary(Arguments arguments)
    {
        var map = new MapValue();
        foreach ((Value key, Value value) in Entries("dict", arguments))
            map.Set(key, value);
        return map;
    }

    private static NamespaceValue Namespace(Arguments arguments)
    {
        var space = new NamespaceValue();
        foreach ((Value key, Value value) in Entries("namespace", arguments))
            space.Attributes[Coerce.ToText(key, "an attribute's name").Content] = value;
        return space;
    }

    /// <summary>A mapping or a list of pairs, then named arguments.</summary>
    private static IEnumerable<KeyValuePair<Value, Value>> Entries(string callee, Arguments arguments)
    {
        if (arguments.Positional.Count > 1)
            throw new TemplateFault($"{callee} takes at most one mapping");
        IEnumerable<KeyValuePair<Value, Value>> first = arguments.Positional is not [Value source] ? [] : source switch
        {
            MapValue map => map.Entries,
            ListValue list => list.Items.Select(pair => pair is ListValue { Items: [Value key, Value value] }
                ? new KeyValuePair<Value, Value>(key, value)
                : throw new TemplateFault($"{callee} needs pairs")),
            _ => throw new TemplateFault($"{callee} needs a mapping, not {Coerce.Name(source)}"),
        };
        // '**' may have brought a name from the request
        return first.Concat(arguments.Named.Select(pair => new KeyValuePair<Value, Value>(new TextValue(pair.Key, isScaffold: false), pair.Value)));
    }

    /// <summary>Prints nothing the first time and its separator from then on.</summary>
    private static CallableValue Joiner(Arguments arguments)
    {
        Value separator = arguments.Bind("joiner", "sep")[0] ?? new TextValue(", ", isScaffold: true);
        bool isUsed = false;
        return new CallableValue("joiner", _ =>
        {
            Value printed = isUsed ? separator : TextValue.Empty;
            isUsed = true;
            return printed;
        });
    }
}
