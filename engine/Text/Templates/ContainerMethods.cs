namespace SmolCluster.Engine.Text.Templates;

/// <summary>The methods of mappings and lists. Those that would change their value are refused, as in Hugging Face's sandbox:
/// a template that changed what it was given would change the request.</summary>
internal static class ContainerMethods
{
    public static Func<Rendering, MapValue, Arguments, Value>? OfMap(string name) => name switch
    {
        "items" => Items,
        "keys" => (rendering, map, _) => new ListValue(Coerce.ToItems(rendering, map)),
        "values" => Values,
        "get" => Get,
        "copy" => (_, map, _) => map,
        "update" or "pop" or "popitem" or "clear" or "setdefault" => (_, _, _) => throw Unsafe("mapping", name),
        _ => null,
    };

    public static Func<Rendering, ListValue, Arguments, Value>? OfList(string name) => name switch
    {
        "index" => Index,
        "count" => Count,
        "copy" => (_, list, _) => list,
        "append" or "extend" or "insert" or "pop" or "remove" or "clear" or "sort" or "reverse" => (_, _, _) => throw Unsafe("list", name),
        _ => null,
    };

    private static TemplateFault Unsafe(string type, string name) =>
        new($"'{name}' would change a {type}, which a chat template may not; build a new one with + or a namespace");

    public static Value Items(Rendering rendering, MapValue map, Arguments arguments)
    {
        rendering.Charge(map.Count);
        return new ListValue([.. map.Entries.Select(entry => new ListValue([entry.Key, entry.Value], isTuple: true))]);
    }

    private static ListValue Values(Rendering rendering, MapValue map, Arguments arguments)
    {
        rendering.Charge(map.Count);
        return new ListValue([.. map.Entries.Select(entry => entry.Value)]);
    }

    private static Value Get(Rendering rendering, MapValue map, Arguments arguments)
    {
        Value[] a = arguments.Require("get", 1, "key", "default");
        return map.Find(a[0]) ?? a[1] ?? NoneValue.Instance;
    }

    private static IntegerValue Index(Rendering rendering, ListValue list, Arguments arguments)
    {
        Value wanted = arguments.Require("index", 1, "value")[0];
        for (int i = 0; i < list.Items.Count; i++)
        {
            if (Operators.AreEqual(rendering, list.Items[i], wanted))
                return new IntegerValue(i);
        }
        throw new TemplateFault("the value looked for is not in the list");
    }

    private static IntegerValue Count(Rendering rendering, ListValue list, Arguments arguments)
    {
        Value wanted = arguments.Require("count", 1, "value")[0];
        return new IntegerValue(list.Items.Count(item => Operators.AreEqual(rendering, item, wanted)));
    }
}
