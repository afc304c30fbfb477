using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>Reads what decides how tokens are drawn. What is absent takes the default of <see cref="SamplingSettings"/>.</summary>
internal static class SamplingReader
{
    private const int MostBiases = 1024;

    /// <summary>JavaScript's largest exact integer: a seed drawn here can be sent back by any client.</summary>
    private const long LargestDrawnSeed = (1L << 53) - 1;

    public static SamplingSettings Read(RequestObject request)
    {
        var defaults = new SamplingSettings();
        return new()
        {
            Temperature = (float)(request.Number("temperature", 0, 2) ?? defaults.Temperature),
            TopK = (int)(request.Integer("top_k", 0, int.MaxValue) ?? defaults.TopK),
            TopP = (float)(request.Number("top_p", 0.0001, 1) ?? defaults.TopP),
            MinP = (float)(request.Number("min_p", 0, 1) ?? defaults.MinP),
            RepetitionPenalty = (float)(request.Number("repetition_penalty", 0.1, 2) ?? defaults.RepetitionPenalty),
            PresencePenalty = (float)(request.Number("presence_penalty", -2, 2) ?? defaults.PresencePenalty),
            FrequencyPenalty = (float)(request.Number("frequency_penalty", -2, 2) ?? defaults.FrequencyPenalty),
            LogitBias = ReadLogitBias(request),
            Seed = unchecked((ulong)(request.Integer("seed", long.MinValue, long.MaxValue) ?? DrawSeed())),
        };
    }

    private static Dictionary<int, float> ReadLogitBias(RequestObject request)
    {
        if (request.Find("logit_bias") is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Object)
            throw RequestObject.WrongType("logit_bias", "an object of token ids with biases from -100 to 100", value);
        var biases = new Dictionary<int, float>();
        foreach (var property in value.EnumerateObject())
        {
            string path = $"logit_bias.{property.Name}";
            if (!int.TryParse(property.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int token))
                throw RequestObject.Refuse("logit_bias", "invalid_value",
                    "Invalid 'logit_bias': its names must be token ids, whole numbers from 0 on.");
            if (!biases.TryAdd(token, (float)RequestObject.Number(property.Value, path, -100, 100)))
                throw RequestObject.Refuse(path, "invalid_value", $"Invalid '{path}': token {token} is there twice.");
            if (biases.Count > MostBiases)
                throw RequestObject.Refuse("logit_bias", "object_above_max_properties",
                    $"Invalid 'logit_bias': more than {MostBiases} tokens, the most there may be.");
        }
        return biases;
    }

    private static long DrawSeed() => (long)(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) & LargestDrawnSeed);
}
