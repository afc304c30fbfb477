namespace SmolCluster.Contracts;

/// <summary>A validated request for one answer. With the model's identity it determines the answer, whenever and wherever it
/// is generated.</summary>
/// <param name="Model">Id of the model that must answer.</param>
/// <param name="VariablesJson">Template variables as a JSON object, or null. What has a field of its own here (tools,
/// enable_thinking, reasoning_effort) is taken from that field and not from here.</param>
/// <param name="MaxTokens">Null: as many as the context holds.</param>
/// <param name="Stop">At most 16 stop strings; they end the answer's text, not its reasoning or tool calls.</param>
/// <param name="User">Whose turn it is in the fair queue.</param>
/// <param name="Keep">What stays of request and answer.</param>
/// <param name="Asked">When it was asked, for templates that tell the date; null: they read the silo's clock.</param>
/// <param name="IncludeUsage">Whether the client's stream ends with its usage; for who goes on with the stream elsewhere.</param>
/// <param name="Constraint">What the answer must keep to; null: it is free.</param>
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
    [property: Id(9)] bool IncludeUsage = false,
    [property: Id(10)] AnswerConstraint? Constraint = null)
{
    /// <summary>Null: the model is told of no tools, and what looks like a call is text.</summary>
    [Id(11)] public ToolSettings? Tools { get; init; }

    [Id(12)] public ThinkingSettings Thinking { get; init; } = new();

    /// <summary>How many of the likeliest tokens are told with each token of the answer's text, 0 to 20; null: no logprobs.</summary>
    [Id(13)] public int? TopLogprobs { get; init; }

    /// <summary>The answer cannot end by itself before it has as many tokens.</summary>
    [Id(14)] public int MinTokens { get; init; }

    /// <summary>Whether the oldest messages may be left out of a prompt that is too long; how many tokens that took is told in the
    /// answer. False: such a request is refused.</summary>
    [Id(15)] public bool TruncatePrompt { get; init; }

    /// <summary>Tokens that a truncated prompt may have, so that an answer that goes on elsewhere has the same one; null: as the context
    /// allows, and the prompt that comes of it is then the answer's.</summary>
    [Id(17)] public int? PromptRoom { get; init; }

    /// <summary>To be continued as it stands, without a template: then there are no messages. Null: a chat.</summary>
    [Id(16)] public RawPrompt? Prompt { get; init; }

    /// <summary>What the gateway wants to find with the request later; nobody else reads it. JSON, or null.</summary>
    [Id(31)] public string? Notes { get; init; }

    /// <summary>How much of a busy model the user gets beside others; above 0. It cannot change the answer.</summary>
    [Id(30)] public double Weight { get; init; } = 1;
}

/// <summary>Text or tokens to continue: one of the two.</summary>
[GenerateSerializer, Immutable, Alias("SmolCluster.RawPrompt")]
public sealed record RawPrompt([property: Id(0)] string? Text, [property: Id(1)] IReadOnlyList<int>? Tokens);

/// <param name="Json">A JSON array of functions in OpenAI's form, not empty: [{"type": "function", "function": {"name": …}}].</param>
/// <param name="Parallel">False: the answer ends with its first call.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.ToolSettings")]
public sealed record ToolSettings(
    [property: Id(0)] string Json,
    [property: Id(1)] ToolChoice Choice = ToolChoice.Auto,
    [property: Id(2)] string? Function = null,
    [property: Id(3)] bool Parallel = true);

[GenerateSerializer, Alias("SmolCluster.ToolChoice")]
public enum ToolChoice
{
    /// <summary>The model decides.</summary>
    Auto,
    /// <summary>At least one call.</summary>
    Required,
    /// <summary>A call of <see cref="ToolSettings.Function"/>.</summary>
    Named,
}

/// <summary>Whether and how much the model thinks before it answers.</summary>
/// <param name="Enabled">The template's enable_thinking; null: as the template has it. Words in a system message that the
/// template knows (/think, /no_think) count for more.</param>
/// <param name="Effort">The template's reasoning_effort; null: none is told.</param>
/// <param name="Budget">Tokens of reasoning after which the model is made to answer; null: any number.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.ThinkingSettings")]
public sealed record ThinkingSettings(
    [property: Id(0)] bool? Enabled = null,
    [property: Id(1)] string? Effort = null,
    [property: Id(2)] int? Budget = null)
{
    /// <summary>How many tokens of reasoning an effort stands for, since the models know none; null: any number.</summary>
    public static int? BudgetOf(string effort) => effort switch
    {
        "minimal" => 256,
        "low" => 1024,
        "medium" => 4096,
        _ => null,
    };
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
