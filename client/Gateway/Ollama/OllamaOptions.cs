using System.Collections.Frozen;
using System.Text.Json;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Ollama;

/// <summary>Reads "options": how to draw, how much, and where to stop. What only says how Ollama uses its machine cannot change an
/// answer here and is taken; what would change it and is not here is refused.</summary>
internal static class OllamaOptions
{
    private const int MostStops = 16;
    private const int LongestStop = 256;

    private static readonly FrozenSet<string> Read = new[]
    {
        "num_predict", "seed", "temperature", "top_k", "top_p", "min_p", "repeat_penalty", "presence_penalty", "frequency_penalty", "stop", "num_ctx",
    }.ToFrozenSet();

    private static readonly FrozenSet<string> OfTheMachine =
        new[] { "num_gpu", "main_gpu", "num_thread", "num_batch", "num_keep", "use_mmap", "use_mlock", "low_vram", "f16_kv", "numa" }.ToFrozenSet();

    private static readonly FrozenSet<string> Unsupported =
        new[] { "typical_p", "tfs_z", "mirostat", "mirostat_tau", "mirostat_eta", "penalize_newline", "repeat_last_n" }.ToFrozenSet();

    /// <exception cref="Errors.ApiException">400: a value is wrong, or an option unknown or not supported.</exception>
    public static (SamplingSettings Sampling, int? MaxTokens, string[] Stops) From(RequestObject request)
    {
        var options = new RequestObject(request.Find("options") ?? JsonElement.Parse("{}"), "options");
        foreach (string name in options.Names)
        {
            if (Unsupported.Contains(name) && options.Find(name) is not null)
                throw RequestObject.Refuse(options.PathOf(name), "unsupported_parameter",
                    $"'{options.PathOf(name)}' is not supported, and leaving it out would change the answer. Send the request without it.");
            if (!Read.Contains(name) && !OfTheMachine.Contains(name) && !Unsupported.Contains(name))
                throw RequestObject.Refuse(options.PathOf(name), "unknown_parameter", $"Unknown parameter: '{options.PathOf(name)}'.");
        }
        options.Integer("num_ctx", 1, int.MaxValue); // a prompt that does not fit the model's own is refused, never cut
        var sampling = SamplingReader.Read(options);
        if (options.Number("repeat_penalty", 0.1, 2) is { } penalty)
            sampling = sampling with { RepetitionPenalty = (float)penalty };
        long? most = options.Integer("num_predict", -2, int.MaxValue);
        if (most == 0)
            throw RequestObject.Refuse("options.num_predict", "invalid_value", "Invalid 'options.num_predict': 0 asks for no answer; expected 1 or more, or -1 for no limit.");
        return (sampling, most > 0 ? (int)most : null, ReadStops(options));
    }

    private static string[] ReadStops(RequestObject options)
    {
        if (options.Find("stop") is not { } value)
            return [];
        if (value.ValueKind == JsonValueKind.String)
            return [ReadStop(value, "options.stop")];
        return value.ValueKind == JsonValueKind.Array && value.GetArrayLength() <= MostStops
            ? [.. value.EnumerateArray().Select((text, index) => ReadStop(text, $"options.stop[{index}]"))]
            : throw RequestObject.WrongType("options.stop", $"a string or an array of at most {MostStops} strings", value);
    }

    private static string ReadStop(JsonElement value, string path) => RequestObject.Text(value, path, LongestStop) is { Length: > 0 } text ? text
        : throw RequestObject.Refuse(path, "invalid_value", $"Invalid '{path}': an empty string would stop every answer at once.");
}
