using Orleans.Concurrency;

namespace SmolCluster.Contracts;

/// <summary>A conversation with all its turns: its key is the conversation's id. Each answer is made by a conversation grain of
/// its own (<see cref="IConversationGrain"/>), which this one reads to its end whether or not anybody watches: an answer
/// belongs to the conversation and not to a connection. Who asks is checked in each call: to others a conversation is not
/// there (ConversationNotFound).</summary>
[Alias("SmolCluster.ITranscriptGrain")]
public interface ITranscriptGrain : IGrainWithStringKey
{
    /// <param name="transcript">What it begins with, its owner set.</param>
    /// <exception cref="ChatException">ConversationsFull: the owner has as many as one may have. StorageUnavailable.</exception>
    [Alias("Create")]
    Task Create(Transcript transcript);

    /// <summary>All of it, with what is there of an answer that runs, without tokens and pieces.</summary>
    [Alias("Read"), AlwaysInterleave]
    Task<Transcript> Read(string owner);

    /// <exception cref="ChatException">MessageNotFound, StorageUnavailable.</exception>
    [Alias("Change")]
    Task<Transcript> Change(string owner, TranscriptChange change);

    /// <summary>Asks, and returns once the answer has begun and the conversation is kept with it.</summary>
    /// <returns>The id of the assistant's message, to be watched.</returns>
    /// <exception cref="ChatException">As <see cref="IConversationGrain.Ask"/>; or Busy, MessageNotFound, ConversationFull.</exception>
    [Alias("Post")]
    Task<int> Post(string owner, TranscriptPost post);

    /// <summary>Goes on with an answer that was stopped, failed, or reached its longest: the same answer as if nothing had ended it.
    /// Its events begin anew.</summary>
    /// <param name="maxTokens">The most tokens of the whole answer from now on; null: as many as the context holds.</param>
    [Alias("GoOn")]
    Task GoOn(string owner, int message, int? maxTokens);

    /// <summary>The events of an answer after a number: at once those that happened, then those to come. Any number may watch.
    /// The last is <see cref="AnswerFinished"/>, with the reasons of <see cref="TranscriptAnswer.FinishReason"/>.</summary>
    [Alias("Watch")]
    IAsyncEnumerable<GenerationEvent> Watch(string owner, int message, long after, CancellationToken cancellation = default);

    /// <summary>Ends the answer that runs, if one does; what it said stays.</summary>
    [Alias("StopAnswer"), AlwaysInterleave]
    Task StopAnswer(string owner);

    /// <returns>The id of a new conversation with the messages up to this one.</returns>
    [Alias("Fork")]
    Task<string> Fork(string owner, int message, string? title);

    /// <summary>Ends what runs and leaves nothing.</summary>
    [Alias("Delete")]
    Task Delete(string owner);
}

/// <summary>The conversations of one owner, who is its key: a bounded number, newest first.</summary>
[Alias("SmolCluster.IConversationListGrain")]
public interface IConversationListGrain : IGrainWithStringKey
{
    /// <exception cref="ChatException">ConversationsFull, StorageUnavailable.</exception>
    [Alias("Put")]
    Task Put(ConversationEntry entry);

    [Alias("Remove")]
    Task Remove(string id);

    /// <param name="limit">At least 1.</param>
    /// <param name="after">Id of the last entry that the caller has; null: from the newest.</param>
    /// <param name="search">Only those with this in title or preview, whatever the case; null: all.</param>
    [Alias("List")]
    Task<ConversationPage> List(int limit, string? after, string? search);
}

/// <summary>Ids of conversations.</summary>
public static class ConversationId
{
    private const string Prefix = "conv_";

    public static string New() => $"{Prefix}{Guid.NewGuid():N}";

    public static bool Is(string id) => id.Length == Prefix.Length + 32 && id.StartsWith(Prefix, StringComparison.Ordinal)
        && id.Skip(Prefix.Length).All(char.IsAsciiHexDigitLower);
}
