using System.Collections.Immutable;
using System.Text.Json;

namespace SmolCluster.Engine.Sampling.Constraints.Json;

/// <summary>Adds a schema's own keywords, those that hold no alternatives, to a shape.</summary>
internal sealed class KeywordReader(SchemaTexts texts)
{
    public Shape Add(Shape shape, SchemaNode node)
    {
        shape = AddValues(shape, node);
        shape = AddNumber(shape, node);
        shape = AddString(shape, node);
        shape = AddArray(shape, node);
        return AddObject(shape, node);
    }

    private static Shape AddValues(Shape shape, SchemaNode node)
    {
        if (node.Find("type") is { } type) shape = shape with { Types = shape.Types & Types(type, node) };
        if (node.Find("const") is { } constant) shape = AddValues(shape, [constant.Json]);
        if (node.Find("enum") is { } values) shape = AddValues(shape, [.. values.Items.Select(static item => item.Json)]);
        return shape;
    }

    private static Shape AddValues(Shape shape, IReadOnlyList<JsonElement> values) => shape with
    {
        Values = shape.Values is null ? [.. values] : shape.Values.RemoveAll(known => !values.Any(value => JsonElement.DeepEquals(value, known))),
    };

    public static JsonTypes Types(SchemaNode type, SchemaNode node)
    {
        IEnumerable<string> names = type.Json.ValueKind == JsonValueKind.Array ? type.Texts : [type.Text];
        JsonTypes types = names.Aggregate(JsonTypes.None, (known, name) => known | name switch
        {
            "null" => JsonTypes.Null,
            "boolean" => JsonTypes.Boolean,
            "integer" => JsonTypes.Integer,
            "number" => JsonTypes.Number,
            "string" => JsonTypes.String,
            "array" => JsonTypes.Array,
            "object" => JsonTypes.Object,
            "any" => JsonTypes.All,
            _ => throw type.Fail($"'{SchemaDocument.Shorten(name)}' is no type; the types are null, boolean, integer, number, string, array and object."),
        });
        return node.Find("nullable") is { Json.ValueKind: JsonValueKind.True } ? types | JsonTypes.Null : types;
    }

    private static Shape AddNumber(Shape shape, SchemaNode node)
    {
        if (node.Find("multipleOf") is { } multiple)
        {
            if (multiple.Number != 1) throw multiple.NotSupported("'multipleOf' other than 1");
            shape = shape with { Types = shape.Types & ~JsonTypes.Fractional };
        }
        bool leastExcluded = node.Find("exclusiveMinimum") is { Json.ValueKind: JsonValueKind.True };
        bool mostExcluded = node.Find("exclusiveMaximum") is { Json.ValueKind: JsonValueKind.True };
        if (node.Find("minimum") is { } least) shape = shape with { Least = Larger(shape.Least, new(least.Number, leastExcluded)) };
        if (node.Find("maximum") is { } most) shape = shape with { Most = Smaller(shape.Most, new(most.Number, mostExcluded)) };
        if (node.Find("exclusiveMinimum") is { Json.ValueKind: not (JsonValueKind.True or JsonValueKind.False) } above)
            shape = shape with { Least = Larger(shape.Least, new(above.Number, true)) };
        if (node.Find("exclusiveMaximum") is { Json.ValueKind: not (JsonValueKind.True or JsonValueKind.False) } below)
            shape = shape with { Most = Smaller(shape.Most, new(below.Number, true)) };
        return shape;
    }

    private static Shape AddString(Shape shape, SchemaNode node)
    {
        if (node.Find("minLength") is { } least) shape = shape with { MinLength = Math.Max(shape.MinLength, least.Count) };
        if (node.Find("maxLength") is { } most) shape = shape with { MaxLength = Math.Min(shape.MaxLength, most.Count) };
        if (node.Find("pattern") is { } pattern) shape = shape with { Patterns = shape.Patterns.Add(new(pattern.Text, pattern)) };
        if (node.Find("format") is { Json.ValueKind: JsonValueKind.String } format)
        {
            if (JsonFormats.Refused.Contains(format.Text)) throw format.NotSupported($"the format '{format.Text}'");
            if (JsonFormats.Patterns.ContainsKey(format.Text)) shape = shape with { Formats = shape.Formats.Add(new(format.Text, format)) };
        }
        return shape;
    }

    private static Shape AddArray(Shape shape, SchemaNode node)
    {
        if (node.Find("uniqueItems") is { Json.ValueKind: JsonValueKind.True } unique) throw unique.NotSupported("'uniqueItems'");
        if (node.Find("minItems") is { } least) shape = shape with { MinItems = Math.Max(shape.MinItems, least.Count) };
        if (node.Find("maxItems") is { } most) shape = shape with { MaxItems = Math.Min(shape.MaxItems, most.Count) };
        SchemaNode? items = node.Find("items"), prefix = node.Find("prefixItems");
        if (items is { Json.ValueKind: JsonValueKind.Array }) (prefix, items) = (items, node.Find("additionalItems"));
        if (prefix is null && items is null) return shape;
        ImmutableList<Conditions> first = prefix is null ? [] : [.. prefix.Items.Select(Conditions.Of)];
        Conditions rest = items is null ? Conditions.None : Conditions.Of(items);
        int length = Math.Max(first.Count, shape.Prefix.Count);
        return shape with
        {
            Prefix = [.. Enumerable.Range(0, length).Select(i =>
                (i < shape.Prefix.Count ? shape.Prefix[i] : shape.Items).And(i < first.Count ? first[i] : rest))],
            Items = shape.Items.And(rest),
        };
    }

    private Shape AddObject(Shape shape, SchemaNode node)
    {
        if (node.Find("minProperties") is { } least) shape = shape with { MinProperties = Math.Max(shape.MinProperties, least.Count) };
        if (node.Find("maxProperties") is { } most) shape = shape with { MaxProperties = Math.Min(shape.MaxProperties, most.Count) };
        if (node.Find("propertyNames") is { } names) shape = shape with { Names = shape.Names.And(Conditions.Of(names)) };
        // draft 3 wrote required beside the property; from draft 4 on it is a list
        if (node.Find("required") is { Json.ValueKind: not (JsonValueKind.True or JsonValueKind.False) } required)
            shape = shape with { Required = shape.Required.Union(required.Texts) };
        Shape own = Shape.Any with
        {
            Properties = node.Find("properties") is { } properties ? [.. properties.Members.Select(static p => (p.Name, Conditions.Of(p.Node)))] : [],
            PatternProperties = node.Find("patternProperties") is { } patterns
                ? [.. patterns.Members.Select(static p => (new Named(p.Name, p.Node), Conditions.Of(p.Node)))] : [],
            Additional = node.Find("additionalProperties") is { } additional ? Conditions.Of(additional) : Conditions.None,
        };
        return Combine(shape, own);
    }

    private Shape Combine(Shape a, Shape b)
    {
        bool additional = !a.Additional.Nodes.IsEmpty || !b.Additional.Nodes.IsEmpty;
        if (additional && a.PatternProperties.Count > 0 && b.PatternProperties.Count > 0)
            throw b.PatternProperties[0].Pattern.Where.NotSupported("patternProperties of several schemas for one object, with additionalProperties,");
        IEnumerable<(string, Conditions)> properties = a.Properties.Select(p => (p.Name, p.Conditions.And(b.Declared(p.Name) ?? Undeclared(b, p.Name))))
            .Concat(b.Properties.Where(p => a.Declared(p.Name) is null).Select(p => (p.Name, p.Conditions.And(Undeclared(a, p.Name)))));
        return a with
        {
            Properties = [.. properties],
            PatternProperties = [.. a.PatternProperties.Select(p => (p.Pattern, p.Conditions.And(b.Additional))),
                .. b.PatternProperties.Select(p => (p.Pattern, p.Conditions.And(a.Additional)))],
            Additional = a.Additional.And(b.Additional),
        };
    }

    /// <summary>What a schema that does not declare it says to a property; what its patterns say is added where the object is written.</summary>
    private Conditions Undeclared(Shape shape, string name) =>
        shape.PatternProperties.Exists(p => texts.Matches(p.Pattern, name)) ? Conditions.None : shape.Additional;

    private static Bound Larger(Bound? known, Bound bound) => known is not { } old || bound.Value > old.Value || (bound.Value == old.Value && bound.Exclusive) ? bound : old;

    private static Bound Smaller(Bound? known, Bound bound) => known is not { } old || bound.Value < old.Value || (bound.Value == old.Value && bound.Exclusive) ? bound : old;
}
