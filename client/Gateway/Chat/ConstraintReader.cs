using System.Collections.Frozen;
using System.Text.Json;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>Reads what an answer must keep to, in the words of OpenAI (response_format), vLLM (structured_outputs, guided_…) and
/// llama.cpp (grammar, json_schema). A request has one such field at most. Types and sizes are checked here; what the text says,
/// where the model's vocabulary is. OpenAI's "strict" changes nothing: a schema is kept to or refused.</summary>
internal static class ConstraintReader
{
    private const int LongestText = 256 * 1024;
    private const int MostChoices = 4096;

    private static readonly FrozenSet<string> FormatFields = new[] { "type", "json_schema", "schema" }.ToFrozenSet();
    private static readonly FrozenSet<string> SchemaFields = new[] { "name", "description", "schema", "strict" }.ToFrozenSet();
    private static readonly FrozenSet<string> StructuredFields = new[] { "json", "json_object", "regex", "choice", "grammar" }.ToFrozenSet();

    private static readonly Dictionary<string, Func<RequestObject, string, AnswerConstraint?>> Readers = new()
    {
        ["response_format"] = (request, name) => ReadFormat(new(request.Require(name), name)),
        ["structured_outputs"] = (request, name) => ReadStructured(new(request.Require(name), name)),
        ["guided_json"] = ReadSchema,
        ["guided_regex"] = (request, name) => ReadText(request, name, AnswerConstraintKind.Regex),
        ["guided_grammar"] = (request, name) => ReadText(request, name, AnswerConstraintKind.Grammar),
        ["guided_choice"] = ReadChoice,
        ["json_schema"] = ReadSchema,
        ["grammar"] = (request, name) => ReadText(request, name, AnswerConstraintKind.Grammar),
    };

    /// <summary>What it reads of a request.</summary>
    public static IEnumerable<string> Fields => Readers.Keys;

    /// <exception cref="Errors.ApiException">400: something is malformed, or there are two.</exception>
    public static AnswerConstraint? Read(RequestObject request)
    {
        AnswerConstraint? found = null;
        foreach (var (name, read) in Readers)
        {
            if (request.Find(name) is null || read(request, name) is not { } constraint)
                continue;
            if (found is not null)
                throw RequestObject.Refuse(name, "invalid_value", $"Invalid '{name}': the request has '{found.Field}' too, and an answer can keep to one of them. Send one.");
            found = constraint;
        }
        return found;
    }

    private static AnswerConstraint? ReadFormat(RequestObject format)
    {
        format.RefuseUnknown(FormatFields);
        string type = RequestObject.Text(format.Require("type"), format.PathOf("type"));
        switch (type)
        {
            case "text":
                return null;
            case "json_object":
                return format.Find("schema") is null ? new(AnswerConstraintKind.Json, "", format.PathOf("type")) : ReadSchema(format, "schema");
            case "json_schema":
                var schema = new RequestObject(format.Require("json_schema"), format.PathOf("json_schema"));
                schema.RefuseUnknown(SchemaFields);
                _ = schema.Text("name", 256);
                _ = schema.Text("description", LongestText);
                _ = schema.Boolean("strict");
                _ = schema.Require("schema");
                return ReadSchema(schema, "schema");
            default:
                throw RequestObject.Refuse(format.PathOf("type"), "invalid_value",
                    $"Invalid '{format.PathOf("type")}': {RequestObject.Shorten(format.Require("type"))}; expected 'text', 'json_object' or 'json_schema'.");
        }
    }

    private static AnswerConstraint? ReadStructured(RequestObject structured)
    {
        structured.RefuseUnknown(StructuredFields);
        string[] given = [.. structured.Names.Where(name => structured.Find(name) is { } value && !(name == "json_object" && value.ValueKind == JsonValueKind.False))];
        if (given.Length != 1)
            throw RequestObject.Refuse("structured_outputs", "invalid_value",
                $"Invalid 'structured_outputs': {given.Length} of 'json', 'json_object', 'regex', 'choice' and 'grammar' are there; expected one.");
        return given[0] switch
        {
            "json" => ReadSchema(structured, "json"),
            "json_object" => structured.Boolean("json_object") is true ? new(AnswerConstraintKind.Json, "", structured.PathOf("json_object")) : null,
            "regex" => ReadText(structured, "regex", AnswerConstraintKind.Regex),
            "choice" => ReadChoice(structured, "choice"),
            _ => ReadText(structured, "grammar", AnswerConstraintKind.Grammar),
        };
    }

    /// <summary>A schema as JSON, or, as some clients send it, as a string that holds JSON.</summary>
    public static AnswerConstraint ReadSchema(RequestObject owner, string name)
    {
        var schema = owner.Require(name);
        string path = owner.PathOf(name);
        if (schema.ValueKind is not (JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False or JsonValueKind.String))
            throw RequestObject.WrongType(path, "a JSON schema", schema);
        string text = schema.ValueKind == JsonValueKind.String ? schema.GetString()! : schema.GetRawText();
        return new(AnswerConstraintKind.JsonSchema, Bounded(text, path), path);
    }

    private static AnswerConstraint ReadText(RequestObject owner, string name, AnswerConstraintKind kind)
    {
        string text = RequestObject.Text(owner.Require(name), owner.PathOf(name), LongestText);
        return text.Length > 0 ? new(kind, text, owner.PathOf(name))
            : throw RequestObject.Refuse(owner.PathOf(name), "invalid_value", $"Invalid '{owner.PathOf(name)}': it is empty.");
    }

    private static AnswerConstraint ReadChoice(RequestObject owner, string name)
    {
        var choices = owner.Require(name);
        string path = owner.PathOf(name);
        if (choices.ValueKind != JsonValueKind.Array)
            throw RequestObject.WrongType(path, "an array of strings", choices);
        if (choices.GetArrayLength() is 0 or > MostChoices)
            throw RequestObject.Refuse(path, "invalid_value", $"Invalid '{path}': {choices.GetArrayLength()} strings; expected 1 to {MostChoices}.");
        int index = 0;
        foreach (var choice in choices.EnumerateArray())
            _ = RequestObject.Text(choice, $"{path}[{index++}]");
        return new(AnswerConstraintKind.Choice, Bounded(choices.GetRawText(), path), path);
    }

    private static string Bounded(string text, string path) => text.Length <= LongestText ? text
        : throw RequestObject.Refuse(path, "string_above_max_length", $"Invalid '{path}': {text.Length} characters, but at most {LongestText} are possible.");
}
