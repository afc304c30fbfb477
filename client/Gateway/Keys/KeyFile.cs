using System.Text.Json;
using System.Text.Json.Serialization;

namespace SmolCluster.Gateway.Keys;

/// <summary>The file of API keys: JSON, small, read whole and written whole. Gateways read it again when it changes, so a key that is
/// added or revoked counts within a second; to several machines it goes the way other configuration goes.</summary>
public static class KeyFile
{
    private const long LargestBytes = 16 * 1024 * 1024;
    private const int LongestName = 128;

    /// <summary>What <c>smol serve</c> looks for in its data folder.</summary>
    public const string DefaultName = "keys.json";

    /// <exception cref="InvalidDataException">It is no file of keys; the message says where.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static IReadOnlyList<ApiKey> Read(string path)
    {
        if (new FileInfo(path).Length > LargestBytes)
            throw new InvalidDataException($"{path} has more than {LargestBytes} bytes, which is no file of keys.");
        try
        {
            using var file = File.OpenRead(path);
            var keys = JsonSerializer.Deserialize(file, KeyJson.Default.KeyList)?.Keys
                ?? throw new InvalidDataException($"{path} must be a JSON object with the array \"keys\".");
            return keys.Select(ProblemWith).Concat(Duplicates(keys)).FirstOrDefault(problem => problem is not null) is { } problem
                ? throw new InvalidDataException($"{path}: {problem}") : keys;
        }
        catch (JsonException problem)
        {
            throw new InvalidDataException($"{path} is no file of keys: {problem.Message}", problem);
        }
    }

    /// <summary>Replaces the file in one step, readable for its owner only.</summary>
    public static void Write(string path, IReadOnlyList<ApiKey> keys)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        string next = Path.Combine(folder, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            using (var file = new FileStream(next, options))
                JsonSerializer.Serialize(file, new KeyList(keys), KeyJson.Default.KeyList);
            File.Move(next, path, overwrite: true);
        }
        finally
        {
            File.Delete(next);
        }
    }

    /// <summary>Why a name cannot be a key's, or null.</summary>
    public static string? ProblemWithName(string name) =>
        name.Length is 0 or > LongestName ? $"a key's name has 1 to {LongestName} characters"
        : name.Any(char.IsControl) ? "a key's name has no control characters" : null;

    private static string? ProblemWith(ApiKey key)
    {
        if (key.Id.Length != 12 || !key.Id.All(char.IsAsciiHexDigitLower))
            return $"'{key.Id}' is no id of a key: twelve hexadecimal digits in lower case.";
        if (ProblemWithName(key.Name) is { } name)
            return $"key {key.Id}: {name}.";
        if (key.Hash.Length != 64 || !key.Hash.All(char.IsAsciiHexDigit))
            return $"key {key.Id}: its hash must be 64 hexadecimal digits, the SHA-256 of the key.";
        if (key.Scopes.FirstOrDefault(scope => !KeyScopes.All.Contains(scope)) is { } scope)
            return $"key {key.Id}: there is no scope '{scope}'; there are {string.Join(", ", KeyScopes.All)}.";
        return key.Limits.Problem() is { } limit ? $"key {key.Id}: {limit} must be at least 1; leave it out for no limit." : null;
    }

    private static IEnumerable<string> Duplicates(IReadOnlyList<ApiKey> keys) =>
        keys.GroupBy(key => key.Id).Where(same => same.Count() > 1).Select(same => $"two keys have the id {same.Key}.")
            .Concat(keys.GroupBy(key => key.Name).Where(same => same.Count() > 1).Select(same => $"two keys have the name '{same.Key}'."));
}

internal sealed record KeyList(IReadOnlyList<ApiKey> Keys);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, AllowDuplicateProperties = false,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(KeyList))]
internal sealed partial class KeyJson : JsonSerializerContext;
