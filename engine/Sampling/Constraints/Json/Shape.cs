using System.Collections.Immutable;
using System.Text.Json;

namespace SmolCluster.Engine.Sampling.Constraints.Json;

[Flags]
internal enum JsonTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Integer = 4,
    /// <summary>A number that is no integer.</summary>
    Fractional = 8,
    String = 16,
    Array = 32,
    Object = 64,
    Number = Integer | Fractional,
    All = 127,
}

/// <summary>Schemas that hold together for one value; none: any value.</summary>
internal sealed class Conditions(ImmutableArray<SchemaNode> nodes) : IEquatable<Conditions>
{
    public static Conditions None { get; } = new([]);

    /// <summary>Each once, in order.</summary>
    public ImmutableArray<SchemaNode> Nodes { get; } = nodes;

    public static Conditions Of(SchemaNode node) => new([node]);

    public Conditions And(Conditions other) => other.Nodes.IsEmpty ? this : new([.. Nodes.Union(other.Nodes)]);

    public bool Equals(Conditions? other) => other is not null && Nodes.AsSpan().SequenceEqual(other.Nodes.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as Conditions);

    public override int GetHashCode() => Nodes.Aggregate(0, HashCode.Combine);
}

/// <summary>A text's condition and where it stands.</summary>
internal readonly record struct Named(string Text, SchemaNode Where);

/// <summary>What is known of a value: all keywords that hold for it, of however many schemas, in one place. Alternatives are
/// several shapes.</summary>
internal sealed record Shape
{
    public static Shape Any { get; } = new();

    public JsonTypes Types { get; init; } = JsonTypes.All;

    /// <summary>Of enum and const; null: any.</summary>
    public ImmutableList<JsonElement>? Values { get; init; }

    /// <summary>Of enum and const under a not.</summary>
    public ImmutableList<JsonElement> Excluded { get; init; } = [];

    public Bound? Least { get; init; }

    public Bound? Most { get; init; }

    public int MinLength { get; init; }

    public int MaxLength { get; init; } = Expression.Unbounded;

    public ImmutableList<Named> Patterns { get; init; } = [];

    public ImmutableList<Named> Formats { get; init; } = [];

    public ImmutableList<Conditions> Prefix { get; init; } = [];

    public Conditions Items { get; init; } = Conditions.None;

    public int MinItems { get; init; }

    public int MaxItems { get; init; } = Expression.Unbounded;

    /// <summary>In the order in which they were declared, which is the order in which they are written.</summary>
    public ImmutableList<(string Name, Conditions Conditions)> Properties { get; init; } = [];

    public ImmutableHashSet<string> Required { get; init; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    public ImmutableHashSet<string> Forbidden { get; init; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    public ImmutableList<(Named Pattern, Conditions Conditions)> PatternProperties { get; init; } = [];

    /// <summary>Of properties that are neither declared nor match a pattern.</summary>
    public Conditions Additional { get; init; } = Conditions.None;

    public Conditions Names { get; init; } = Conditions.None;

    public int MinProperties { get; init; }

    public int MaxProperties { get; init; } = Expression.Unbounded;

    /// <summary>For each oneOf whose other alternatives must be proved to be apart: which alternative this is.</summary>
    public ImmutableDictionary<string, int> OneOf { get; init; } = ImmutableDictionary.Create<string, int>(StringComparer.Ordinal);

    public Conditions? Declared(string name) => Properties.Find(p => p.Name == name).Conditions;

    public bool HasStringConditions => MinLength > 0 || MaxLength != Expression.Unbounded || Patterns.Count > 0 || Formats.Count > 0;
}
