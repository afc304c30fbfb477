using System.Text.Json;
using SmolCluster.Engine.Gguf;

namespace SmolCluster.Engine.Conversion;

/// <summary>A JSON file of a Hugging Face folder with look-ups that name file and key when something is missing or odd.</summary>
internal sealed class HuggingFaceJson : IDisposable
{
    private const long Longest = 256 << 20;

    private readonly JsonDocument _document;

    private HuggingFaceJson(string path, JsonDocument document) => (Path, _document) = (path, document);

    public string Path { get; }

    public JsonElement Root => _document.RootElement;

    /// <summary>Null where there is no such file.</summary>
    public static HuggingFaceJson? TryOpen(string folder, string name)
    {
        string path = System.IO.Path.Combine(folder, name);
        return File.Exists(path) ? Open(path) : null;
    }

    /// <exception cref="CheckpointException">Missing, too long, or no JSON object.</exception>
    public static HuggingFaceJson Open(string path)
    {
        try
        {
            if (new FileInfo(path).Length > Longest)
                throw new CheckpointException($"{path}: the file is longer than {Longest >> 20} MiB, which none of its kind is.");
            var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return document.RootElement.ValueKind == JsonValueKind.Object ? new HuggingFaceJson(path, document)
                : throw new CheckpointException($"{path}: this is no JSON object.");
        }
        catch (JsonException failure)
        {
            throw new CheckpointException($"{path}: this is no JSON: {GgufText.Clean(failure.Message, 500)}");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path}: cannot be read: {failure.Message}");
        }
    }

    public void Dispose() => _document.Dispose();

    /// <summary>A member that is there and not null.</summary>
    public static bool Has(JsonElement of, string key, out JsonElement value)
    {
        value = default;
        return of.ValueKind == JsonValueKind.Object && of.TryGetProperty(key, out value) && value.ValueKind != JsonValueKind.Null;
    }

    public int Integer(string key, int? fallback = null) => !Has(Root, key, out JsonElement value)
        ? fallback ?? throw Missing(key, "an integer")
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int integer) ? integer : throw Odd(key, value, "an integer");

    public double Number(JsonElement of, string key, double? fallback = null) => !Has(of, key, out JsonElement value)
        ? fallback ?? throw Missing(key, "a number")
        : value.ValueKind == JsonValueKind.Number ? value.GetDouble() : throw Odd(key, value, "a number");

    public string Text(JsonElement of, string key, string? fallback = null) => !Has(of, key, out JsonElement value)
        ? fallback ?? throw Missing(key, "a text")
        : value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Odd(key, value, "a text");

    public bool Flag(string key, bool fallback) => !Has(Root, key, out JsonElement value) ? fallback
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Odd(key, value, "true or false");

    public CheckpointException Fail(string message) => new($"{Path}: {GgufText.Clean(message, 2000)}");

    private CheckpointException Missing(string key, string expected) => Fail($"'{key}' is missing; expected {expected}.");

    private CheckpointException Odd(string key, JsonElement value, string expected) => Fail($"'{key}' is {GgufText.Describe(value.GetRawText(), 80)}; expected {expected}.");
}
