using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Ollama;

/// <summary>A piece of an answer of /api/chat, or all of it; the last one says how long it took.</summary>
internal sealed record OllamaChat(string Model, DateTimeOffset CreatedAt, OllamaMessage Message) : OllamaEnd;

/// <summary>A piece of an answer of /api/generate, or all of it.</summary>
internal sealed record OllamaGenerate(string Model, DateTimeOffset CreatedAt, string Response) : OllamaEnd
{
    public string? Thinking { get; init; }
}

/// <summary>What an answer ends with. Times are in nanoseconds; no model is loaded for a request, so that takes none.</summary>
internal abstract record OllamaEnd
{
    public bool Done { get; init; }

    /// <summary>stop or length; null while there is more to come.</summary>
    public string? DoneReason { get; init; }

    public long? TotalDuration { get; init; }

    public long? LoadDuration { get; init; }

    public int? PromptEvalCount { get; init; }

    public long? PromptEvalDuration { get; init; }

    public int? EvalCount { get; init; }

    public long? EvalDuration { get; init; }
}

internal sealed record OllamaMessage(string Role, string Content)
{
    public string? Thinking { get; init; }

    public IReadOnlyList<OllamaCall>? ToolCalls { get; init; }
}

internal sealed record OllamaCall(string Id, OllamaFunction Function);

internal sealed record OllamaFunction(int Index, string Name, JsonElement Arguments);

internal sealed record OllamaTags(IReadOnlyList<OllamaModel> Models);

/// <param name="ModifiedAt">When it was loaded.</param>
internal sealed record OllamaModel(string Name, DateTimeOffset ModifiedAt, long Size, string Digest, OllamaDetails Details)
{
    public string Model => Name;

    /// <summary>Only of running models.</summary>
    public int? ContextLength { get; init; }

    /// <summary>Only of running models: none of it is on a graphics card.</summary>
    public long? SizeVram { get; init; }

    /// <summary>Only of running models: they stay.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    public static OllamaModel Of(ModelStatus model) => new(model.Id, model.LoadedAt, model.FileBytes, model.ContentHash, OllamaDetails.Of(model));

    public static OllamaModel Running(ModelStatus model) =>
        Of(model) with { ContextLength = model.ContextLength, SizeVram = 0, ExpiresAt = DateTimeOffset.MaxValue };
}

/// <param name="ParameterSize">Empty until it is loaded, and of a stub.</param>
/// <param name="QuantizationLevel">Likewise.</param>
internal sealed record OllamaDetails(string Format, string Family, IReadOnlyList<string> Families, string ParameterSize, string QuantizationLevel)
{
    private const double Billion = 1e9;
    private const double Million = 1e6;
    private const double Thousand = 1e3;

    public string ParentModel { get; } = "";

    public static OllamaDetails Of(ModelStatus model) => new("gguf", model.Architecture, [model.Architecture], Size(model.Weights), model.Quantization);

    /// <summary>As Ollama writes it, 3.1B or 134.52M: no decimals only where there are none.</summary>
    internal static string Size(long weights) => weights switch
    {
        0 => "",
        >= (long)Billion => Number(weights / Billion, "F1") + "B",
        >= (long)Million => Number(weights / Million, "F2") + "M",
        >= (long)Thousand => Number(weights / Thousand, "F0") + "K",
        _ => Number(weights, "F0"),
    };

    private static string Number(double number, string format) => number.ToString(double.IsInteger(number) ? "F0" : format, CultureInfo.InvariantCulture);
}

internal sealed record OllamaShow(OllamaDetails Details, IReadOnlyDictionary<string, JsonElement> ModelInfo, IReadOnlyList<string> Capabilities, DateTimeOffset ModifiedAt)
{
    public string Modelfile { get; } = "";

    public string Parameters { get; } = "";

    public string Template { get; } = "";
}

/// <param name="TotalDuration">Nanoseconds.</param>
internal sealed record OllamaEmbeddings(string Model, IReadOnlyList<float[]> Embeddings, long TotalDuration, int PromptEvalCount)
{
    public long LoadDuration { get; }
}

internal sealed record OllamaVersion(string Version);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(OllamaChat))]
[JsonSerializable(typeof(OllamaGenerate))]
[JsonSerializable(typeof(OllamaEmbeddings))]
[JsonSerializable(typeof(OllamaTags))]
[JsonSerializable(typeof(OllamaShow))]
[JsonSerializable(typeof(OllamaVersion))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(int))]
[JsonSerializable(typeof(long))]
internal sealed partial class OllamaJson : JsonSerializerContext
{
    static OllamaJson() => Default = new(new JsonSerializerOptions(s_defaultOptions) { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
