namespace SmolCluster.Contracts;

/// <summary>What a conversation emits while it answers. Numbers are consecutive from 1, so a client that lost its stream
/// asks again from the last number it saw.</summary>
[GenerateSerializer, Immutable, Alias("SmolCluster.GenerationEvent")]
public abstract record GenerationEvent([property: Id(0)] long Number);

/// <summary>The first event: the prompt is accepted and queued.</summary>
[GenerateSerializer, Immutable, Alias("SmolCluster.AnswerStarted")]
public sealed record AnswerStarted(long Number,
    [property: Id(0)] string Model,
    [property: Id(1)] int PromptTokens,
    [property: Id(2)] int ContextLength,
    [property: Id(3)] string Silo) : GenerationEvent(Number);

/// <summary>More text; whole characters only.</summary>
[GenerateSerializer, Immutable, Alias("SmolCluster.TextDelta")]
public sealed record TextDelta(long Number, [property: Id(0)] string Text) : GenerationEvent(Number);

/// <summary>The last event of an answer that ended well.</summary>
/// <param name="Reason">stop or length.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.AnswerFinished")]
public sealed record AnswerFinished(long Number,
    [property: Id(0)] string Reason,
    [property: Id(1)] int PromptTokens,
    [property: Id(2)] int CompletionTokens,
    [property: Id(3)] int CachedTokens) : GenerationEvent(Number);
