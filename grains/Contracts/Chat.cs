namespace SmolCluster.Contracts;

/// <summary>One turn of a conversation as the client sent it.</summary>
/// <param name="Role">system, user, assistant or tool.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.ChatMessage")]
public sealed record ChatMessage([property: Id(0)] string Role, [property: Id(1)] string Content);

/// <summary>A validated request for one answer. With the model's identity it determines the answer, whenever and wherever it
/// is generated.</summary>
/// <param name="Model">Id of the model that must answer.</param>
/// <param name="VariablesJson">Template variables as a JSON object (enable_thinking, …), or null.</param>
/// <param name="MaxTokens">Null: as many as the context holds.</param>
/// <param name="Stop">At most 16 stop strings.</param>
/// <param name="User">Whose turn it is in the fair queue.</param>
/// <param name="Keep">What stays of request and answer.</param>
/// <param name="Asked">When it was asked, for templates that tell the date; null: they read the silo's clock.</param>
/// <param name="IncludeUsage">Whether the client's stream ends with its usage; for who goes on with the stream elsewhere.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.ChatRequest")]
public sealed record ChatRequest(
    [property: Id(0)] string Model,
    [property: Id(1)] IReadOnlyList<ChatMessage> Messages,
    [property: Id(2)] SamplingSettings Sampling,
    [property: Id(3)] int? MaxTokens,
    [property: Id(4)] IReadOnlyList<string> Stop,
    [property: Id(5)] string? VariablesJson,
    [property: Id(6)] string User,
    [property: Id(7)] Keep Keep = Keep.Always,
    [property: Id(8)] DateTimeOffset? Asked = null,
    [property: Id(9)] bool IncludeUsage = false)
{
    /// <summary>How much of a busy model the user gets beside others; above 0. It cannot change the answer.</summary>
    [Id(30)] public double Weight { get; init; } = 1;
}

/// <summary>What stays of a request and its answer.</summary>
[GenerateSerializer, Alias("SmolCluster.Keep")]
public enum Keep
{
    /// <summary>A conversation: until it is forgotten.</summary>
    Always,
    /// <summary>A stream that its client may resume: until the caller has passed on its end, or for a while if nobody comes.</summary>
    UntilDelivered,
    /// <summary>Nothing: the caller holds the request, and with the tokens of its events it can go on elsewhere.</summary>
    Nothing,
}

/// <summary>The engine's sampling options as they cross the wire; see SmolCluster.Engine.Sampling.SamplingOptions.</summary>
[GenerateSerializer, Immutable, Alias("SmolCluster.SamplingSettings")]
public sealed record SamplingSettings
{
    [Id(0)] public float Temperature { get; init; } = 0.6f;
    [Id(1)] public int TopK { get; init; }
    [Id(2)] public float TopP { get; init; } = 0.95f;
    [Id(3)] public float MinP { get; init; }
    [Id(4)] public float RepetitionPenalty { get; init; } = 1;
    [Id(5)] public float PresencePenalty { get; init; }
    [Id(6)] public float FrequencyPenalty { get; init; }
    [Id(7)] public Dictionary<int, float> LogitBias { get; init; } = [];
    [Id(8)] public ulong Seed { get; init; }
}
