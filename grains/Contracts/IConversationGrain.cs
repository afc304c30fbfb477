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

    /// <summary>The last request and what was answered so far, or null when nothing was asked yet. Works during an answer.
    /// Of an ephemeral request nothing is left after its answer; a named conversation that left memory in the middle of an answer
    /// has kept its request, and its events once the answer finished.</summary>
    [Alias("Read")]
    Task<ConversationSnapshot?> Read();

    /// <summary>Ends the answer that runs, if one does, and frees its cache: for a caller that gave up before the first event and
    /// so has no enumeration to leave.</summary>
    [Alias("StopAnswer"), AlwaysInterleave]
    Task StopAnswer();
}

/// <summary>A conversation's last request and the events of its answer, as far as they go.</summary>
/// <param name="ContentHash">Weights and tokenizer that answer: with the request they determine the answer.</param>
/// <param name="Finished">Whether the last event is an <see cref="AnswerFinished"/>.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.ConversationSnapshot")]
public sealed record ConversationSnapshot(
    [property: Id(0)] ChatRequest Request,
    [property: Id(1)] string ContentHash,
    [property: Id(2)] IReadOnlyList<GenerationEvent> Events,
    [property: Id(3)] bool Finished);

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
/// <param name="State">loading, ready or failed.</param>
/// <param name="Progress">0 to 1 while loading.</param>
/// <param name="Problem">Why it failed, else null.</param>
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
    [property: Id(9)] string? Problem);
