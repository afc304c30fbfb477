using Orleans.Concurrency;

namespace SmolCluster.Contracts;

/// <summary>A conversation: its key is the conversation's id. One answer at a time.</summary>
[Alias("SmolCluster.IConversationGrain")]
public interface IConversationGrain : IGrainWithStringKey
{
    /// <summary>Starts the answer to a request and streams its events. Leaving the enumeration cancels the answer and frees its cache.</summary>
    /// <exception cref="ChatException">The request cannot be served; its code says why.</exception>
    [Alias("Ask")]
    IAsyncEnumerable<GenerationEvent> Ask(ChatRequest request, CancellationToken cancellation = default);

    /// <summary>Goes on with an answer after the events that the reader has: the same text, event by event, as if nothing had
    /// happened, wherever the conversation lives now. Whoever read it before is told <see cref="ChatError.TakenOver"/>. The last
    /// event always comes, even to who has it.</summary>
    /// <param name="request">The answer's request; null: the one on record.</param>
    /// <exception cref="ChatException">It cannot go on here, or (AnswerNotFound) at all.</exception>
    [Alias("GoOn")]
    IAsyncEnumerable<GenerationEvent> GoOn(ChatRequest? request, AnswerCursor known, CancellationToken cancellation = default);

    /// <summary>The last request and what was answered so far, or null when nothing was asked yet or all of it is forgotten. Works
    /// during an answer. Of an answer that was broken off, as much as had been written.</summary>
    [Alias("Read")]
    Task<ConversationSnapshot?> Read();

    /// <summary>Ends the answer that runs, if one does, and frees its cache: for a caller that gave up before the first event and
    /// so has no enumeration to leave.</summary>
    [Alias("StopAnswer"), AlwaysInterleave]
    Task StopAnswer();

    /// <summary>Ends the answer that runs, if one does, for good: what there is of it stays on record, and nobody goes on with it.</summary>
    [Alias("Cancel"), AlwaysInterleave]
    Task Cancel();

    /// <summary>Ends the answer that runs and leaves no record: the caller has delivered what was to be delivered.</summary>
    [Alias("Forget"), AlwaysInterleave]
    Task Forget();
}

/// <summary>A conversation's last request and its answer, as far as it goes.</summary>
/// <param name="Identity">Weights, tokenizer and kind of cache that answer: with the request they determine the answer.</param>
/// <param name="Text">Whole characters; nothing that a stop string cut off or may still cut off.</param>
/// <param name="Tokens">Sampled so far, the ending token included; the text may lack the last ones.</param>
/// <param name="FinishReason">stop, length or tool_calls; null while there is more to come.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.ConversationSnapshot")]
public sealed record ConversationSnapshot(
    [property: Id(0)] ChatRequest Request,
    [property: Id(1)] string Identity,
    [property: Id(2)] string Text,
    [property: Id(3)] IReadOnlyList<int> Tokens,
    [property: Id(4)] string? FinishReason)
{
    /// <summary>What the model thought before the text; empty: nothing.</summary>
    [Id(5)] public string Reasoning { get; init; } = "";

    /// <summary>The <see cref="FinishReason"/> of an answer that was cancelled.</summary>
    public const string Cancelled = "cancelled";

    [Id(6)] public IReadOnlyList<ToolCall> ToolCalls { get; init; } = [];

    /// <summary>Whether somebody reads the answer now, so that it goes on.</summary>
    [Id(7)] public bool Running { get; init; }
}

/// <summary>What this silo's model host knows, for anyone who may ask: /v1/models, health, the chat page.</summary>
[Alias("SmolCluster.IModelsGrain")]
public interface IModelsGrain : IGrainWithIntegerKey
{
    /// <summary>Every model of every silo with its state, in order of id.</summary>
    [Alias("List")]
    Task<IReadOnlyList<ModelStatus>> List();

    /// <summary>The silos that can answer with a model now; none if it is nowhere ready.</summary>
    [Alias("WhereReady")]
    Task<IReadOnlyList<SiloAddress>> WhereReady(string model);
}

/// <param name="Kind">real, demo or stub.</param>
/// <param name="State">loading, ready or failed; stage: this silo is there for a part of a model that answers on another.</param>
/// <param name="Progress">0 to 1 while loading.</param>
/// <param name="Problem">Why it failed, or what a model in parts is missing; else null.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.ModelStatus")]
public sealed record ModelStatus(
    [property: Id(0)] string Id,
    [property: Id(1)] string Kind,
    [property: Id(2)] string State,
    [property: Id(3)] double Progress,
    [property: Id(4)] int ContextLength,
    [property: Id(5)] string Architecture,
    [property: Id(6)] string ContentHash,
    [property: Id(7)] long FileBytes,
    [property: Id(8)] DateTimeOffset LoadedAt,
    [property: Id(9)] string? Problem)
{
    /// <summary>The model whose weights this one adapts; null: it has its own.</summary>
    [Id(10)] public string? Parent { get; init; }

    /// <summary>0: not known, or there are none.</summary>
    [Id(11)] public long Weights { get; init; }

    /// <summary>How its weights are kept, as people name it, e.g. Q4_K_M; empty: not known, or there are none.</summary>
    [Id(12)] public string Quantization { get; init; } = "";
}
