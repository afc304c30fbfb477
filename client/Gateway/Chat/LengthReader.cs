using System.Text.Json;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>Reads what ends an answer: numbers of tokens and stop strings.</summary>
internal static class LengthReader
{
    private const int MostStops = 16;
    private const int LongestStop = 256;

    public static int? ReadMaxTokens(RequestObject request)
    {
        long? older = request.Integer("max_tokens", 1, int.MaxValue);
        long? newer = request.Integer("max_completion_tokens", 1, int.MaxValue);
        if (older is not null && newer is not null && older != newer)
            throw RequestObject.Refuse("max_tokens", "invalid_value",
                $"Invalid 'max_tokens': {older}, but 'max_completion_tokens' is {newer}. They mean the same; send one.");
        return (int?)(newer ?? older);
    }

    /// <param name="most">How many the answer can have; null: nothing was said.</param>
    public static int ReadMinTokens(RequestObject request, int? most)
    {
        long least = request.Integer("min_tokens", 0, int.MaxValue) ?? 0;
        return least <= (most ?? int.MaxValue) ? (int)least
            : throw RequestObject.Refuse("min_tokens", "invalid_value", $"Invalid 'min_tokens': {least}, but the answer may have {most} at most.");
    }

    public static string[] ReadStop(RequestObject request)
    {
        if (request.Find("stop") is not { } value)
            return [];
        if (value.ValueKind == JsonValueKind.String)
            return [ReadStopText(value, "stop")];
        if (value.ValueKind != JsonValueKind.Array)
            throw RequestObject.WrongType("stop", "a string or an array of strings", value);
        if (value.GetArrayLength() > MostStops)
            throw RequestObject.Refuse("stop", "array_above_max_length",
                $"Invalid 'stop': {value.GetArrayLength()} strings, but at most {MostStops} are possible.");
        return [.. value.EnumerateArray().Select((text, index) => ReadStopText(text, $"stop[{index}]"))];
    }

    private static string ReadStopText(JsonElement value, string path)
    {
        string text = RequestObject.Text(value, path, LongestStop);
        return text.Length > 0 ? text
            : throw RequestObject.Refuse(path, "invalid_value", $"Invalid '{path}': an empty string would stop every answer at once.");
    }
}
