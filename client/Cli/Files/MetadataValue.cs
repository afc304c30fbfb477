using System.Globalization;
using System.Text.Json;
using SmolCluster.Engine.Gguf;

namespace SmolCluster.Cli.Files;

/// <summary>KEY=VALUE as people write it, to a value of a GGUF type: the type that is written (KEY:u32=VALUE), else the one that the
/// key has in the file, else the plainest that holds the value. VALUE may be @FILE, whose text it then is.</summary>
internal static class MetadataValue
{
    private static readonly Dictionary<string, Type> Types = new(StringComparer.OrdinalIgnoreCase)
    {
        ["u8"] = typeof(byte),
        ["i8"] = typeof(sbyte),
        ["u16"] = typeof(ushort),
        ["i16"] = typeof(short),
        ["u32"] = typeof(uint),
        ["i32"] = typeof(int),
        ["u64"] = typeof(ulong),
        ["i64"] = typeof(long),
        ["f32"] = typeof(float),
        ["f64"] = typeof(double),
        ["bool"] = typeof(bool),
        ["str"] = typeof(string),
    };

    public static string TypeNames { get; } = string.Join(", ", Types.Keys);

    /// <exception cref="CommandFailure">No KEY=VALUE, an unknown type, or a value that it does not hold.</exception>
    public static (string Key, object Value) Parse(string assignment, GgufMetadata metadata)
    {
        int equals = assignment.IndexOf('=', StringComparison.Ordinal);
        if (equals < 1)
            throw new CommandFailure($"--set: '{assignment}' is no KEY=VALUE");
        string key = assignment[..equals], text = assignment[(equals + 1)..];
        Type? type = null;
        if (key.LastIndexOf(':') is var colon and > 0)
        {
            type = Types.GetValueOrDefault(key[(colon + 1)..]) ?? throw new CommandFailure($"--set: '{key[(colon + 1)..]}' is no type; expected {TypeNames}");
            key = key[..colon];
        }

        if (text.StartsWith('@'))
            text = File.ReadAllText(text[1..]);
        object? known = metadata.TryGetValue(key, out object? value) ? value : null;
        if (text.StartsWith('[') && (known is Array || (known is null && type != typeof(string))))
            return (key, Elements(key, text, type ?? known?.GetType().GetElementType()));
        return known is Array ? throw new CommandFailure($"--set: '{key}' is an array in the file; expected [1, 2, …]") : (key, Scalar(key, text, type ?? known?.GetType()));
    }

    private static object Scalar(string key, string text, Type? type)
    {
        if (type == typeof(string))
            return text;
        if (type is not null)
            return Converted(key, text, type);
        return text is "true" or "false" ? text == "true"
            : uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint whole) ? whole
            : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long integer) ? integer
            : float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float number) && float.IsFinite(number) ? number
            : text;
    }

    private static object Converted(string key, string text, Type type)
    {
        try
        {
            return Convert.ChangeType(text, type, CultureInfo.InvariantCulture);
        }
        catch (Exception failure) when (failure is FormatException or OverflowException)
        {
            throw new CommandFailure($"--set: '{key}' is {Types.First(pair => pair.Value == type).Key}, which '{text}' is not; write KEY:TYPE=VALUE to change the type ({TypeNames})");
        }
    }

    private static Array Elements(string key, string text, Type? type)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(text);
            JsonElement[] elements = [.. json.RootElement.EnumerateArray()];
            type ??= elements.All(static element => element.ValueKind == JsonValueKind.String) ? typeof(string)
                : elements.All(static element => element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out _)) ? typeof(int) : typeof(float);
            var array = Array.CreateInstance(type, elements.Length);
            for (int i = 0; i < elements.Length; i++)
                array.SetValue(type == typeof(string) ? elements[i].GetString() : Converted(key, elements[i].GetRawText(), type), i);
            return array;
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            throw new CommandFailure($"--set: '{key}': '{(text.Length > 80 ? text[..80] + "…" : text)}' is no JSON array of one kind of values");
        }
    }
}
