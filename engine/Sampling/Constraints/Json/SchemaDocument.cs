using System.Text.Json;

namespace SmolCluster.Engine.Sampling.Constraints.Json;

/// <summary>A JSON schema as a document: parsed within bounds, and what its references name.</summary>
internal sealed class SchemaDocument
{
    private const int Depth = 128;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = Depth, AllowDuplicateProperties = false };

    private readonly Dictionary<string, SchemaNode> _named = new(StringComparer.Ordinal);

    private SchemaDocument(JsonElement root)
    {
        Root = new(root, "");
        string? dialect = Root.Find("$schema") is { Json.ValueKind: JsonValueKind.String } schema ? schema.Text : null;
        ReferenceStandsAlone = dialect is not null && (dialect.Contains("draft-0", StringComparison.Ordinal));
        Collect(Root);
    }

    public SchemaNode Root { get; }

    /// <summary>Up to draft 7, what stands beside a $ref is not read.</summary>
    public bool ReferenceStandsAlone { get; }

    /// <exception cref="ConstraintException">It is no JSON, or no schema.</exception>
    public static SchemaDocument Parse(string text)
    {
        if (text.Length > ConstraintLimits.SourceLength)
            throw new ConstraintException($"The schema has {text.Length} characters; at most {ConstraintLimits.SourceLength} are possible.");
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, Strict);
            return new(document.RootElement.Clone());
        }
        catch (JsonException problem)
        {
            throw new ConstraintException($"The schema is no JSON of at most {Depth} levels without duplicate names: {problem.Message}");
        }
    }

    /// <param name="reference">A schema's $ref.</param>
    public SchemaNode Resolve(SchemaNode reference)
    {
        string text = reference.Text;
        if (_named.TryGetValue(text, out SchemaNode? named)) return named;
        if (text == "#") return Root;
        if (!text.StartsWith("#/", StringComparison.Ordinal))
            throw reference.Fail($"the reference '{Shorten(text)}' leads out of the schema, or to no $id or $anchor in it; put what it names under $defs.");
        SchemaNode node = Root;
        foreach (string part in text[2..].Split('/'))
        {
            string name = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            node = node.Json.ValueKind == JsonValueKind.Array && int.TryParse(name, out int index) && index >= 0 && index < node.Json.GetArrayLength()
                ? node.Items.ElementAt(index)
                : node.Find(name) ?? throw reference.Fail($"the reference '{Shorten(text)}' names nothing: there is no '{Shorten(name)}'.");
        }
        return node;
    }

    public static string Shorten(string text) => text.Length <= 60 ? text : text[..57] + "...";

    private void Collect(SchemaNode node)
    {
        if (node.Json.ValueKind == JsonValueKind.Array)
        {
            foreach (SchemaNode item in node.Items) Collect(item);
            return;
        }
        if (node.Json.ValueKind != JsonValueKind.Object) return;
        foreach ((string name, SchemaNode child) in node.Members)
        {
            if (child.Json.ValueKind == JsonValueKind.String && name is "$id" or "id" && child.Json.ValueKind == JsonValueKind.String) _named.TryAdd(child.Text, node);
            else if (child.Json.ValueKind == JsonValueKind.String && name is "$anchor") _named.TryAdd("#" + child.Text, node);
            else if (name is not ("enum" or "const" or "default" or "examples")) Collect(child);
        }
    }
}
