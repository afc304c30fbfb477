namespace SmolCluster.Contracts;

/// <summary>One turn of a conversation as the client sent it.</summary>
/// <param name="Role">system, user, assistant or tool.</param>
/// <param name="Content">Its text; where the client sent parts, they are joined with nothing in between. Empty: none, as beside tool calls.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.ChatMessage")]
public sealed record ChatMessage([property: Id(0)] string Role, [property: Id(1)] string Content)
{
    /// <summary>An assistant's reasoning before <see cref="Content"/>, without marks; the template decides what it shows of it.</summary>
    [Id(2)] public string? ReasoningContent { get; init; }

    /// <summary>An assistant's calls, after <see cref="Content"/>.</summary>
    [Id(3)] public IReadOnlyList<ToolCall> ToolCalls { get; init; } = [];

    /// <summary>Which call a tool's message answers.</summary>
    [Id(4)] public string? ToolCallId { get; init; }

    /// <summary>Who speaks, or which tool answers.</summary>
    [Id(5)] public string? Name { get; init; }
}

/// <param name="Id">Unique among the calls of a conversation.</param>
/// <param name="Arguments">JSON, an object as a rule; from a model without constraint it may be anything.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.ToolCall")]
public sealed record ToolCall([property: Id(0)] string Id, [property: Id(1)] string Name, [property: Id(2)] string Arguments);
