using System.Text.Json;

namespace SmolCluster.Engine.Sampling.Constraints.Json;

/// <summary>Proves that no value has both of two shapes. What is not proved may still be so.</summary>
internal sealed class ShapeProofs(ShapeReader reader, SchemaTexts texts)
{
    private const int Deepest = 3;

    private static readonly JsonTypes[] Each =
    [
        JsonTypes.Null, JsonTypes.Boolean, JsonTypes.Integer, JsonTypes.Fractional, JsonTypes.String, JsonTypes.Array, JsonTypes.Object,
    ];

    private int _depth;

    public bool AreApart(Shape a, Shape b)
    {
        if (a.Values is not null || b.Values is not null)
        {
            (Shape listed, Shape other) = a.Values is not null ? (a, b) : (b, a);
            if (listed.Values!.TrueForAll(value => Excludes(other, value) || Excludes(listed, value))) return true;
        }
        JsonTypes shared = a.Types & b.Types;
        return Each.Where(type => shared.HasFlag(type)).All(type => AreApart(type, a, b));
    }

    private bool AreApart(JsonTypes type, Shape a, Shape b) => type switch
    {
        JsonTypes.Integer or JsonTypes.Fractional => Above(a.Least, b.Most) || Above(b.Least, a.Most),
        JsonTypes.String => StringsAreApart(a, b),
        JsonTypes.Array => a.MinItems > b.MaxItems || b.MinItems > a.MaxItems
            || (a.MinItems > 0 && b.MinItems > 0 && ConditionsAreApart(First(a), First(b))),
        JsonTypes.Object => ObjectsAreApart(a, b),
        _ => false,
    };

    private static Conditions First(Shape shape) => shape.Prefix.Count > 0 ? shape.Prefix[0] : shape.Items;

    private static bool Above(Bound? least, Bound? most) => least is { } low && most is { } high
        && (low.Value > high.Value || (low.Value == high.Value && (low.Exclusive || high.Exclusive)));

    private bool StringsAreApart(Shape a, Shape b)
    {
        if (!a.HasStringConditions || !b.HasStringConditions) return false;
        Shape both = a with
        {
            MinLength = Math.Max(a.MinLength, b.MinLength),
            MaxLength = Math.Min(a.MaxLength, b.MaxLength),
            Patterns = a.Patterns.AddRange(b.Patterns),
            Formats = a.Formats.AddRange(b.Formats),
        };
        return texts.Contents(both, []).Kind == ExpressionKind.Fail;
    }

    private bool ObjectsAreApart(Shape a, Shape b) => a.Required.Union(b.Required).Any(name =>
        (a.Required.Contains(name) && IsImpossible(b, name)) || (b.Required.Contains(name) && IsImpossible(a, name))
        || (a.Required.Contains(name) && b.Required.Contains(name) && ConditionsAreApart(Of(a, name), Of(b, name))));

    private bool IsImpossible(Shape shape, string name) =>
        shape.Forbidden.Contains(name) || (!Of(shape, name).Nodes.IsEmpty && Read(Of(shape, name)) is { Count: 0 });

    private bool ConditionsAreApart(Conditions a, Conditions b) =>
        Read(a) is { } first && Read(b) is { } second && first.All(one => second.All(two => AreApart(one, two)));

    /// <summary>Null: that would go too deep.</summary>
    private List<Shape>? Read(Conditions conditions)
    {
        if (_depth == Deepest) return null;
        _depth++;
        try
        {
            return reader.Read(conditions);
        }
        finally
        {
            _depth--;
        }
    }

    /// <summary>All that a shape says to a property.</summary>
    public Conditions Of(Shape shape, string name)
    {
        Conditions declared = shape.Declared(name) ?? Conditions.None;
        IEnumerable<Conditions> matching = shape.PatternProperties.Where(p => texts.Matches(p.Pattern, name)).Select(static p => p.Conditions);
        Conditions[] patterns = [.. matching];
        Conditions all = patterns.Aggregate(declared, static (known, more) => known.And(more));
        return shape.Declared(name) is null && patterns.Length == 0 ? shape.Additional : all;
    }

    private bool Excludes(Shape shape, JsonElement value)
    {
        if (shape.Values is { } values && !values.Exists(v => JsonElement.DeepEquals(v, value))) return true;
        if (shape.Excluded.Exists(v => JsonElement.DeepEquals(v, value))) return true;
        if (value.ValueKind == JsonValueKind.String && shape.Patterns.Exists(p => !texts.Matches(p, value.GetString()!))) return true;
        return (shape.Types & TypeOf(value)) == 0;
    }

    public static JsonTypes TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => JsonTypes.Null,
        JsonValueKind.True or JsonValueKind.False => JsonTypes.Boolean,
        JsonValueKind.String => JsonTypes.String,
        JsonValueKind.Array => JsonTypes.Array,
        JsonValueKind.Object => JsonTypes.Object,
        _ => value.TryGetDecimal(out decimal number) && number != Math.Floor(number) ? JsonTypes.Fractional : JsonTypes.Integer,
    };
}
