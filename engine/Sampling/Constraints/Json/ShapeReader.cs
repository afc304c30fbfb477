using System.Text.Json;

namespace SmolCluster.Engine.Sampling.Constraints.Json;

/// <summary>
/// From schemas to shapes. allOf and $ref add to a shape; anyOf makes several. oneOf makes several as well, where each must be
/// apart from the others: that is proved (<see cref="ShapeProofs"/>), or brought about by adding what the others are not
/// (<see cref="ShapeNegation"/>), or else refused. Keywords of the specification that cannot be kept to are refused by name;
/// keywords that it does not have are notes, as it says.
/// </summary>
internal sealed class ShapeReader
{
    /// <summary>Of the specification, in any draft; they would change what is allowed.</summary>
    private static readonly string[] Refused =
    [
        "contains", "minContains", "maxContains", "unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef", "extends", "disallow",
    ];

    private readonly SchemaDocument _document;
    private readonly KeywordReader _keywords;
    private readonly ShapeNegation _negation;
    private readonly ShapeProofs _proofs;
    private readonly Dictionary<Conditions, List<Shape>> _known = [];
    private Stack<SchemaNode> _references = []; // that led to the schema being read

    public ShapeReader(SchemaDocument document, SchemaTexts texts)
    {
        _document = document;
        _keywords = new KeywordReader(texts);
        _negation = new ShapeNegation(this, document);
        _proofs = new ShapeProofs(this, texts);
    }

    /// <summary>The alternatives for a value; none: no value can be.</summary>
    public List<Shape> Read(Conditions conditions)
    {
        if (_known.TryGetValue(conditions, out List<Shape>? known)) return known;
        Stack<SchemaNode> outer = _references;
        _references = [];
        List<Shape> read = conditions.Nodes.Aggregate(new List<Shape> { Shape.Any }, Add);
        _references = outer;
        RequireOneOf(read);
        return _known[conditions] = read;
    }

    /// <summary>The shapes with one more schema.</summary>
    public List<Shape> Add(IEnumerable<Shape> shapes, SchemaNode node) => Bounded(shapes.SelectMany(shape => Add(shape, node)), node);

    public static List<Shape> Bounded(IEnumerable<Shape> shapes, SchemaNode node)
    {
        List<Shape> bounded = [.. shapes.Where(static s => s.Types != JsonTypes.None && s.Values is not { Count: 0 }).Take(ConstraintLimits.Branches + 1)];
        return bounded.Count <= ConstraintLimits.Branches ? bounded
            : throw node.Fail($"the alternatives up to here combine in more than {ConstraintLimits.Branches} ways; make it simpler.");
    }

    private List<Shape> Add(Shape shape, SchemaNode node)
    {
        if (node.Json.ValueKind == JsonValueKind.True) return [shape];
        if (node.Json.ValueKind == JsonValueKind.False) return [];
        if (node.Json.ValueKind != JsonValueKind.Object) throw node.Fail("a schema is expected here: an object, true or false.");
        foreach (string refused in Refused)
        {
            if (node.Find(refused) is { } found) throw found.NotSupported($"'{refused}'");
        }
        if (node.Find("$ref") is { } reference && _document.ReferenceStandsAlone) return AddReference([shape], reference);
        List<Shape> shapes = Bounded([_keywords.Add(shape, node)], node);
        if (node.Find("$ref") is { } beside) shapes = AddReference(shapes, beside);
        if (node.Find("allOf") is { } all) shapes = all.Items.Aggregate(shapes, Add);
        if (node.Find("anyOf") is { } any) shapes = Bounded(shapes.SelectMany(s => any.Items.SelectMany(item => Add(s, item))), any);
        if (node.Find("not") is { } not) shapes = Bounded(shapes.SelectMany(s => _negation.Add(s, not) ?? throw not.NotSupported("this 'not'")), not);
        if (node.Find("if") is { } condition) shapes = AddCondition(shapes, node, condition);
        foreach (string keyword in (ReadOnlySpan<string>)["dependencies", "dependentRequired", "dependentSchemas"])
        {
            if (node.Find(keyword) is not { } dependencies) continue;
            foreach ((string name, SchemaNode needed) in dependencies.Members) shapes = AddDependency(shapes, name, needed);
        }
        if (node.Find("oneOf") is { } one) shapes = Bounded(shapes.SelectMany(s => AddOneOf(s, one)), one);
        return shapes;
    }

    private List<Shape> AddReference(List<Shape> shapes, SchemaNode reference)
    {
        SchemaNode target = _document.Resolve(reference);
        if (_references.Contains(target)) throw reference.Fail("the reference leads to itself without anything in between.");
        if (_references.Count >= ConstraintLimits.Nesting) throw reference.Fail($"more than {ConstraintLimits.Nesting} references lead to each other.");
        _references.Push(target);
        List<Shape> added = Add(shapes, target);
        _references.Pop();
        return added;
    }

    private List<Shape> AddCondition(List<Shape> shapes, SchemaNode node, SchemaNode condition)
    {
        List<Shape> met = Add(shapes, condition);
        if (node.Find("then") is { } then) met = Add(met, then);
        IEnumerable<Shape> unmet = shapes.SelectMany(s => _negation.Add(s, condition) ?? throw condition.NotSupported("this 'if'"));
        if (node.Find("else") is { } otherwise) unmet = Add(unmet, otherwise);
        return Bounded(met.Concat(unmet), condition);
    }

    private List<Shape> AddDependency(List<Shape> shapes, string name, SchemaNode needed)
    {
        IEnumerable<Shape> without = shapes.SelectMany(shape => (Shape[])
        [
            shape with { Types = shape.Types & ~JsonTypes.Object },
            shape with { Types = shape.Types & JsonTypes.Object, Forbidden = shape.Forbidden.Add(name) },
        ]);
        IEnumerable<Shape> with = shapes.Select(shape => shape with { Types = shape.Types & JsonTypes.Object, Required = shape.Required.Add(name) });
        with = needed.Json.ValueKind == JsonValueKind.Array
            ? with.Select(shape => shape with { Required = shape.Required.Union(needed.Texts) })
            : Add(Bounded(with, needed), needed);
        return Bounded(without.Concat(with), needed);
    }

    private IEnumerable<Shape> AddOneOf(Shape shape, SchemaNode one)
    {
        SchemaNode[] items = [.. one.Items];
        List<Shape>[] each = [.. items.Select(item => Add(shape, item))];
        for (int i = 0; i < items.Length; i++)
        {
            List<Shape> alternative = each[i];
            for (int j = 0; j < items.Length; j++)
            {
                if (j == i) continue;
                alternative = Bounded(alternative.SelectMany(mine => Apart(mine, each[j], items[j], one, i)), one);
            }
            foreach (Shape mine in alternative) yield return mine;
        }
    }

    private IEnumerable<Shape> Apart(Shape mine, List<Shape> others, SchemaNode other, SchemaNode one, int index) =>
        others.All(shape => _proofs.AreApart(mine, shape)) ? [mine]
            : _negation.Add(mine, other) ?? [mine with { OneOf = mine.OneOf.SetItem(one.Path, index) }];

    private void RequireOneOf(List<Shape> shapes)
    {
        for (int i = 0; i < shapes.Count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                foreach ((string path, int index) in shapes[i].OneOf)
                {
                    bool other = shapes[j].OneOf.TryGetValue(path, out int second) && second != index;
                    if (other && !_proofs.AreApart(shapes[i], shapes[j]))
                        throw new ConstraintException($"the alternatives {Math.Min(index, second)} and {Math.Max(index, second)} of this oneOf may both hold for a value, "
                            + "so that exactly one of them cannot be seen to. Use anyOf, or give them different types or a required property with different values.", path);
                }
            }
        }
    }
}
