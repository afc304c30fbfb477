using System.Globalization;
using System.Text.Json;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Requests;

/// <summary>A JSON object of a request with its path in it, so that every refusal names the field, what it holds and what it
/// may hold. A field that is null counts as absent, as OpenAI's clients send it.</summary>
internal sealed class RequestObject
{
    private readonly JsonElement element;
    private readonly string path;

    /// <exception cref="ApiException">400: it is no object.</exception>
    public RequestObject(JsonElement element, string path = "")
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw WrongType(path, "an object", element);
        this.element = element;
        this.path = path;
    }

    public JsonElement Json => element;

    public IEnumerable<string> Names => element.EnumerateObject().Select(property => property.Name);

    public string PathOf(string name) => path.Length == 0 ? name : $"{path}.{name}";

    public JsonElement? Find(string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public JsonElement Require(string name) => Find(name)
        ?? throw Refuse(PathOf(name), "missing_required_parameter", $"Missing required parameter: '{PathOf(name)}'.");

    public double? Number(string name, double least, double most) =>
        Find(name) is { } value ? Number(value, PathOf(name), least, most) : null;

    public static double Number(JsonElement value, string path, double least, double most)
    {
        if (value.ValueKind != JsonValueKind.Number)
            throw WrongType(path, $"a number from {Show(least)} to {Show(most)}", value);
        double number = value.GetDouble();
        if (number < least)
            throw OutOfRange(path, "decimal_below_min_value", value, Show(least), Show(most));
        if (!(number <= most))
            throw OutOfRange(path, "decimal_above_max_value", value, Show(least), Show(most));
        return number;
    }

    public long? Integer(string name, long least, long most)
    {
        if (Find(name) is not { } value)
            return null;
        string range = $"from {least} to {most}";
        if (value.ValueKind != JsonValueKind.Number)
            throw WrongType(PathOf(name), $"an integer {range}", value);
        if (!value.TryGetInt64(out long number))
            throw Refuse(PathOf(name), "invalid_type", $"Invalid '{PathOf(name)}': {Shorten(value)} is not an integer {range}.");
        if (number < least)
            throw OutOfRange(PathOf(name), "integer_below_min_value", value, $"{least}", $"{most}");
        if (number > most)
            throw OutOfRange(PathOf(name), "integer_above_max_value", value, $"{least}", $"{most}");
        return number;
    }

    public bool? Boolean(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } other => throw WrongType(PathOf(name), "true or false", other),
    };

    public string? Text(string name, int longest) => Find(name) is { } value ? Text(value, PathOf(name), longest) : null;

    public static string Text(JsonElement value, string path, int longest = int.MaxValue)
    {
        if (value.ValueKind != JsonValueKind.String)
            throw WrongType(path, "a string", value);
        string text = value.GetString()!;
        if (text.Length > longest)
            throw Refuse(path, "string_above_max_length",
                $"Invalid '{path}': {text.Length} characters, but at most {longest} are possible.");
        return text;
    }

    /// <exception cref="ApiException">400: a field is not in <paramref name="known"/>.</exception>
    public void RefuseUnknown(IReadOnlySet<string> known)
    {
        foreach (string name in Names)
            if (!known.Contains(name))
                throw Refuse(PathOf(name), "unknown_parameter", $"Unknown parameter: '{PathOf(name)}'.");
    }

    public static ApiException Refuse(string path, string code, string message) => new(ApiError.Invalid(path, code, message));

    public static ApiException WrongType(string path, string expected, JsonElement found) =>
        Refuse(path, "invalid_type", $"Invalid '{path}': expected {expected}, but got {NameOf(found.ValueKind)}.");

    public static string NameOf(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };

    /// <summary>A value as it was sent, cut so that an error never carries a whole request back.</summary>
    public static string Shorten(JsonElement value)
    {
        string raw = value.GetRawText();
        return raw.Length <= 40 ? raw : raw[..37] + "...";
    }

    private static ApiException OutOfRange(string path, string code, JsonElement value, string least, string most) =>
        Refuse(path, code, $"Invalid '{path}': {Shorten(value)} is out of range; expected a value from {least} to {most}.");

    private static string Show(double bound) => bound.ToString(CultureInfo.InvariantCulture);
}
