namespace SmolCluster.Contracts;

/// <summary>What a conversation emits while it answers. Numbers are consecutive from 1, and which event has which number is a
/// function of the answer's tokens alone, so a client that lost its stream asks again from the last number it saw, and whoever
/// goes on gives the same number to the same text.</summary>
[GenerateSerializer, Immutable, Alias("SmolCluster.GenerationEvent")]
public abstract record GenerationEvent([property: Id(0)] long Number);

/// <summary>The first event: the prompt is accepted and queued, and what must be kept of the request is kept.</summary>
/// <param name="MaxTokens">The most tokens that this answer can have.</param>
/// <param name="Identity">Weights, tokenizer and kind of cache: with the request they determine the answer.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.AnswerStarted")]
public sealed record AnswerStarted(long Number,
    [property: Id(0)] string Model,
    [property: Id(1)] int PromptTokens,
    [property: Id(2)] int ContextLength,
    [property: Id(3)] string Silo,
    [property: Id(4)] int MaxTokens,
    [property: Id(5)] string Identity) : GenerationEvent(Number);

/// <summary>The second event: the prompt's turn has come.</summary>
/// <param name="CachedTokens">Prompt tokens whose keys and values were already there.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.PrefillStarted")]
public sealed record PrefillStarted(long Number, [property: Id(0)] int CachedTokens) : GenerationEvent(Number);

/// <summary>More text; whole characters only.</summary>
/// <param name="Tokens">Those sampled since the event before.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.TextDelta")]
public sealed record TextDelta(long Number, [property: Id(0)] string Text, [property: Id(1)] IReadOnlyList<int> Tokens) : GenerationEvent(Number);

/// <summary>The last event of an answer that ended well.</summary>
/// <param name="Reason">stop or length.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.AnswerFinished")]
public sealed record AnswerFinished(long Number,
    [property: Id(0)] string Reason,
    [property: Id(1)] int PromptTokens,
    [property: Id(2)] int CompletionTokens,
    [property: Id(3)] int CachedTokens) : GenerationEvent(Number);

/// <summary>Nothing new, but the conversation lives: sent whenever <see cref="Liveness.SignOfLife"/> passed without an event. No
/// event of the answer; it has the number of the last one.</summary>
/// <param name="Ahead">While the prompt waits for its turn: how many came before it and wait still. Turns are given by user, so it may
/// come sooner. Null: it does not wait.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.KeepAlive")]
public sealed record KeepAlive(long Number, [property: Id(0)] int? Ahead = null) : GenerationEvent(Number);
