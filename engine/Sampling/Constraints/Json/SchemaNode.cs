using System.Text.Json;

namespace SmolCluster.Engine.Sampling.Constraints.Json;

/// <summary>A schema within a document, and where it stands: two of the same path are the same.</summary>
/// <param name="Path">Such as <c>.properties.name</c>.</param>
internal sealed record SchemaNode(JsonElement Json, string Path)
{
    public bool Equals(SchemaNode? other) => other is not null && other.Path == Path;

    public override int GetHashCode() => Path.GetHashCode(StringComparison.Ordinal);

    public SchemaNode Child(string name, JsonElement child) => new(child, $"{Path}.{name}");

    public SchemaNode? Find(string name) => Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty(name, out JsonElement child) ? Child(name, child) : null;

    public IEnumerable<SchemaNode> Items
    {
        get
        {
            if (Json.ValueKind != JsonValueKind.Array) throw Fail("an array of schemas is expected here.");
            return Json.EnumerateArray().Select((item, index) => new SchemaNode(item, $"{Path}[{index}]"));
        }
    }

    public IEnumerable<(string Name, SchemaNode Node)> Members
    {
        get
        {
            if (Json.ValueKind != JsonValueKind.Object) throw Fail("an object is expected here.");
            return Json.EnumerateObject().Select(member => (member.Name, Child(member.Name, member.Value)));
        }
    }

    public string Text => Json.ValueKind == JsonValueKind.String ? Json.GetString()! : throw Fail("a string is expected here.");

    public IEnumerable<string> Texts => Items.Select(static item => item.Text);

    /// <summary>A count.</summary>
    public int Count => Json.ValueKind == JsonValueKind.Number && Json.TryGetDouble(out double value) && value >= 0 && value == Math.Floor(value)
        ? (int)Math.Min(value, int.MaxValue - 1) : throw Fail("a whole number from 0 is expected here.");

    public decimal Number => Json.ValueKind == JsonValueKind.Number && Json.TryGetDecimal(out decimal value) ? value
        : throw Fail("a number of at most 28 digits is expected here.");

    public ConstraintException Fail(string problem) => new(problem, Path);

    public ConstraintException NotSupported(string what) => new($"{what} is not supported.", Path);

    /// <summary>What this schema does not allow.</summary>
    public SchemaNode Negated()
    {
        using JsonDocument document = JsonDocument.Parse($"{{\"not\":{Json.GetRawText()}}}");
        return new(document.RootElement.Clone(), $"{Path}(not)");
    }
}
