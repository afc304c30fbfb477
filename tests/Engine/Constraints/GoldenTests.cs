using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmolCluster.Engine.Sampling.Constraints;

namespace SmolCluster.Engine.Tests.Constraints;

/// <summary>Schemas from the field with valid and invalid values: JSONSchemaBench's, by way of MaskBench. Properties are put in the
/// schema's order first, which is the order in which answers have them.</summary>
public sealed class GoldenTests
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public void Accepts_SomeCases_AsTheySay() => Check(TestData.Path("json-schema-cases.json"), Vocabularies.Demo, 1);

    [Fact]
    public void Accepts_AllCasesOverARealVocabulary_AsTheySay() =>
        Check(TestData.Shared("goldens/json-schema/cases.json"), Vocabularies.From(TestData.Shared("goldens/tokenizer/ggml-vocab-llama-bpe.gguf")), 0.9);

    private static void Check(string path, Vocabularies vocabulary, double leastCompiled)
    {
        JsonArray cases = JsonNode.Parse(File.ReadAllText(path))!.AsArray();
        List<string> refused = [], wrong = [];
        foreach (JsonNode? each in cases)
        {
            string name = (string)each!["name"]!;
            try
            {
                TokenConstraint constraint = vocabulary.Compile(ConstraintKind.JsonSchema, each["schema"]!.ToJsonString(Plain));
                wrong.AddRange(each["tests"]!.AsArray().Where(test => Accepts(vocabulary, constraint, each["schema"]!, test!["data"]) != (bool)test!["valid"]!)
                    .Select(test => $"{name}: {test!["data"]?.ToJsonString(Plain)} is {((bool)test["valid"]! ? "" : "in")}valid"));
            }
            catch (ConstraintException refusal)
            {
                Assert.NotEmpty(refusal.Message);
                refused.Add($"{name}{refusal.Path}: {refusal.Message}");
            }
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{cases.Count - refused.Count} of {cases.Count} compiled; refused:\n{string.Join('\n', refused)}");
        Assert.Empty(wrong);
        Assert.True(cases.Count - refused.Count >= leastCompiled * cases.Count, string.Join('\n', refused));
    }

    private static bool Accepts(Vocabularies vocabulary, TokenConstraint constraint, JsonNode schema, JsonNode? value) =>
        vocabulary.Accepts(constraint, TextOf(schema, value));

    /// <summary>The value as an answer has it.</summary>
    internal static string TextOf(JsonNode schema, JsonNode? value) => Write(Ordered(schema, schema, value));

    /// <summary>As Python's printer writes it.</summary>
    private static string Write(JsonNode? value) => value switch
    {
        null => "null",
        JsonObject known => $"{{{string.Join(", ", known.Select(static p => $"{JsonSerializer.Serialize(p.Key, Plain)}: {Write(p.Value)}"))}}}",
        JsonArray known => $"[{string.Join(", ", known.Select(Write))}]",
        _ => value.ToJsonString(Plain),
    };

    /// <summary>The same value with declared properties first, in the order of their declaration, however deep.</summary>
    private static JsonNode? Ordered(JsonNode root, JsonNode? schema, JsonNode? value, int depth = 0)
    {
        if (depth > 40 || schema is not JsonObject) return value?.DeepClone();
        List<(string Name, JsonNode? Schema)> declared = [];
        List<JsonNode?> items = [];
        Collect(root, schema, declared, items, 0);
        return value switch
        {
            JsonObject known => new JsonObject(known
                .OrderBy(p => declared.FindIndex(d => d.Name == p.Key) is var place and >= 0 ? place : int.MaxValue)
                .Select(p => KeyValuePair.Create(p.Key, declared.Where(d => d.Name == p.Key).Aggregate(p.Value?.DeepClone(), (v, d) => Ordered(root, d.Schema, v, depth + 1))))),
            JsonArray known => new JsonArray([.. known.Select(item => items.Aggregate(item?.DeepClone(), (v, s) => Ordered(root, s, v, depth + 1)))]),
            _ => value?.DeepClone(),
        };
    }

    private static void Collect(JsonNode root, JsonNode? schema, List<(string, JsonNode?)> declared, List<JsonNode?> items, int depth)
    {
        if (schema is not JsonObject known || depth > 20) return;
        if (known["properties"] is JsonObject properties) declared.AddRange(properties.Select(static p => (p.Key, p.Value)));
        if (known["items"] is JsonObject item) items.Add(item);
        if (known["$ref"] is JsonValue reference && (string)reference! is ['#', ..] path)
            Collect(root, path[1..].Split('/', StringSplitOptions.RemoveEmptyEntries).Aggregate((JsonNode?)root, static (node, part) => node?[part]), declared, items, depth + 1);
        foreach (string keyword in new[] { "allOf", "anyOf", "oneOf" })
        {
            if (known[keyword] is not JsonArray each) continue;
            foreach (JsonNode? one in each) Collect(root, one, declared, items, depth + 1);
        }
    }
}
