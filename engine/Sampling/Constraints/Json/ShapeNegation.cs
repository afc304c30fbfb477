using System.Text.Json;

namespace SmolCluster.Engine.Sampling.Constraints.Json;

/// <summary>Adds to a shape that a schema does not hold, where shapes can say so. A schema does not hold if one of its keywords does not.</summary>
internal sealed class ShapeNegation(ShapeReader reader, SchemaDocument document)
{
    private static readonly string[] Notes =
    [
        "title", "description", "default", "examples", "example", "$comment", "$schema", "$id", "id", "$defs", "definitions", "deprecated",
        "readOnly", "writeOnly", "$anchor", "nullable",
    ];

    /// <summary>The alternatives; null: shapes cannot say it.</summary>
    public IEnumerable<Shape>? Add(Shape shape, SchemaNode node)
    {
        if (node.Json.ValueKind == JsonValueKind.True) return [];
        if (node.Json.ValueKind == JsonValueKind.False) return [shape];
        if (node.Json.ValueKind != JsonValueKind.Object) throw node.Fail("a schema is expected here: an object, true or false.");
        List<Shape> shapes = [];
        foreach ((string keyword, SchemaNode value) in node.Members.Where(m => !Notes.Contains(m.Name)))
        {
            if (Add(shape, keyword, value, node) is not { } negated) return null;
            shapes.AddRange(negated);
        }
        return ShapeReader.Bounded(shapes, node);
    }

    private IEnumerable<Shape>? Add(Shape shape, string keyword, SchemaNode value, SchemaNode node) => keyword switch
    {
        "type" => [shape with { Types = shape.Types & ~KeywordReader.Types(value, node) }],
        "const" => [Without(shape, [value.Json])],
        "enum" => [Without(shape, [.. value.Items.Select(static item => item.Json)])],
        "required" => value.Texts.Select(name => shape with { Types = shape.Types & JsonTypes.Object, Forbidden = shape.Forbidden.Add(name) }),
        "properties" => value.Members.Select(p => shape with
        {
            Types = shape.Types & JsonTypes.Object,
            Required = shape.Required.Add(p.Name),
            Properties = shape.Declared(p.Name) is { } known
                ? shape.Properties.Replace((p.Name, known), (p.Name, known.And(Conditions.Of(p.Node.Negated()))))
                : shape.Properties.Add((p.Name, shape.Additional.And(Conditions.Of(p.Node.Negated())))),
        }),
        "not" => reader.Add([shape], value),
        "$ref" => Add(shape, document.Resolve(value)),
        "allOf" => Any(value.Items.Select(item => Add(shape, item))),
        "anyOf" => value.Items.Aggregate((IEnumerable<Shape>?)[shape], (shapes, item) => shapes is null ? null : Any(shapes.Select(s => Add(s, item)))),
        _ => null,
    };

    private static Shape Without(Shape shape, IReadOnlyList<JsonElement> values) => shape.Values is { } known
        ? shape with { Values = known.RemoveAll(mine => values.Any(value => JsonElement.DeepEquals(value, mine))) }
        : shape with { Excluded = shape.Excluded.AddRange(values) };

    private static List<Shape>? Any(IEnumerable<IEnumerable<Shape>?> each)
    {
        List<Shape> shapes = [];
        foreach (IEnumerable<Shape>? some in each)
        {
            if (some is null) return null;
            shapes.AddRange(some);
        }
        return shapes;
    }
}
