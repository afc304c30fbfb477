using System.Text.Json;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Requests;

/// <summary>JSON can spell half a character ("\ud800"), which no tokenizer can encode; found before anything reads the strings.</summary>
internal static class Surrogates
{
    /// <exception cref="ApiException">400: a string or name holds an unpaired surrogate.</exception>
    /// <exception cref="JsonException">The JSON is malformed or too deep.</exception>
    public static void ThrowIfUnpaired(ReadOnlySpan<byte> json, int maxDepth)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = maxDepth });
        while (reader.Read())
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped && !IsText(ref reader))
                throw new ApiException(ApiError.Invalid(null, "invalid_unicode",
                    $"The string at byte {reader.TokenStartIndex + 1} of the body holds half of a surrogate pair (a lone \\ud8xx to "
                    + "\\udfxx escape), which is not a character."));
    }

    private static bool IsText(ref Utf8JsonReader reader)
    {
        try
        {
            reader.GetString();
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
