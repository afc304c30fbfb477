namespace SmolCluster.Contracts;

/// <summary>What a conversation emits while it answers. Numbers are consecutive from 1, and which event has which number is a
/// function of the answer's tokens alone, so a client that lost its stream asks again from the last number it saw, and whoever
/// goes on gives the same number to the same text.
/// <para>AnswerStarted, PrefillStarted, then <see cref="AnswerDelta"/>s (reasoning, text, tool calls), then AnswerFinished; a
/// <see cref="KeepAlive"/> anywhere.</para></summary>
[GenerateSerializer, Immutable, Alias("SmolCluster.GenerationEvent")]
public abstract record GenerationEvent([property: Id(0)] long Number);

/// <summary>The first event: the prompt is accepted and queued, and what must be kept of the request is kept.</summary>
/// <param name="MaxTokens">The most tokens that this answer can have.</param>
/// <param name="Identity">Weights, tokenizer and kind of cache: with the request they determine the answer.</param>
/// <param name="DroppedTokens">Of the prompt, because it was too long and the request allowed it.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.AnswerStarted")]
public sealed record AnswerStarted(long Number,
    [property: Id(0)] string Model,
    [property: Id(1)] int PromptTokens,
    [property: Id(2)] int ContextLength,
    [property: Id(3)] string Silo,
    [property: Id(4)] int MaxTokens,
    [property: Id(5)] string Identity,
    [property: Id(6)] int DroppedTokens = 0) : GenerationEvent(Number);

/// <summary>The second event: the prompt's turn has come.</summary>
/// <param name="CachedTokens">Prompt tokens whose keys and values were already there.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.PrefillStarted")]
public sealed record PrefillStarted(long Number, [property: Id(0)] int CachedTokens) : GenerationEvent(Number);

/// <summary>More of the answer: reasoning, text or a tool call.</summary>
/// <param name="Tokens">Those sampled since the delta before; none where one token gave several deltas and this is not the first.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.AnswerDelta")]
public abstract record AnswerDelta(long Number, [property: Id(0)] IReadOnlyList<int> Tokens) : GenerationEvent(Number);

/// <summary>More of the answer's text; whole characters only.</summary>
[GenerateSerializer, Immutable, Alias("SmolCluster.TextDelta")]
public sealed record TextDelta(long Number, [property: Id(0)] string Text, IReadOnlyList<int> Tokens) : AnswerDelta(Number, Tokens)
{
    /// <summary>Of the text's tokens since the text before, if the request asked for them; else null. What the answer may still
    /// be cut back by is not among them, nor are reasoning, marks, calls, and the token that ends the answer.</summary>
    [Id(1)] public IReadOnlyList<TokenLogprob>? Logprobs { get; init; }
}

/// <summary>More of what the model thinks before it answers: never part of the answer's text. Its marks are left out.</summary>
[GenerateSerializer, Immutable, Alias("SmolCluster.ReasoningDelta")]
public sealed record ReasoningDelta(long Number, [property: Id(0)] string Text, IReadOnlyList<int> Tokens) : AnswerDelta(Number, Tokens);

/// <summary>More of a tool call. A call's deltas follow each other; the first has its id and name, and as the case may be the
/// beginning of its arguments.</summary>
/// <param name="Index">Of the call in this answer, from 0.</param>
/// <param name="CallId">A function of the answer's id and the index; null after the first delta.</param>
/// <param name="Name">Null after the first delta.</param>
/// <param name="Arguments">More of the arguments' JSON; may be empty in the first delta.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.ToolCallDelta")]
public sealed record ToolCallDelta(long Number,
    [property: Id(0)] int Index,
    [property: Id(1)] string? CallId,
    [property: Id(2)] string? Name,
    [property: Id(3)] string Arguments,
    IReadOnlyList<int> Tokens) : AnswerDelta(Number, Tokens);

/// <summary>The last event of an answer that ended well.</summary>
/// <param name="Reason">stop, length, or tool_calls: it ended by itself and holds calls.</param>
/// <param name="CompletionTokens">All that were sampled: reasoning, marks and the ending token included.</param>
/// <param name="ReasoningTokens">Of these, those between the marks of reasoning.</param>
/// <param name="StopSequence">The stop string that ended it, if one did.</param>
/// <param name="DroppedTokens">See <see cref="AnswerStarted"/>.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.AnswerFinished")]
public sealed record AnswerFinished(long Number,
    [property: Id(0)] string Reason,
    [property: Id(1)] int PromptTokens,
    [property: Id(2)] int CompletionTokens,
    [property: Id(3)] int CachedTokens,
    [property: Id(4)] int ReasoningTokens = 0,
    [property: Id(5)] string? StopSequence = null,
    [property: Id(6)] int DroppedTokens = 0) : GenerationEvent(Number);

/// <summary>Nothing new, but the conversation lives: sent whenever <see cref="Liveness.SignOfLife"/> passed without an event. No
/// event of the answer; it has the number of the last one.</summary>
/// <param name="Ahead">While the prompt waits for its turn: how many came before it and wait still. Turns are given by user, so it may
/// come sooner. Null: it does not wait.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.KeepAlive")]
public sealed record KeepAlive(long Number, [property: Id(0)] int? Ahead = null) : GenerationEvent(Number);
