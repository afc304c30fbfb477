namespace SmolCluster.Contracts;

/// <summary>A conversation as people see it: a tree of messages that only grows. An edit is another child of the same parent, and
/// so is an answer that was asked for again, so nothing that was said is lost; <see cref="Head"/> says which branch is shown.</summary>
[GenerateSerializer, Immutable, Alias("SmolCluster.Transcript")]
public sealed record Transcript
{
    /// <summary>Whose it is; nobody else reads or changes it.</summary>
    [Id(0)] public string Owner { get; init; } = "";

    /// <summary>Null: not named yet; the first message will name it.</summary>
    [Id(1)] public string? Title { get; init; }

    /// <summary>The system message that stands before every branch; null: none.</summary>
    [Id(2)] public string? System { get; init; }

    [Id(3)] public DateTimeOffset Created { get; init; }

    [Id(4)] public DateTimeOffset Updated { get; init; }

    /// <summary>In order of their ids, which are consecutive from 1: message n is at n - 1.</summary>
    [Id(5)] public IReadOnlyList<TranscriptMessage> Messages { get; init; } = [];

    /// <summary>The last message of the branch that is shown; 0: there is no message.</summary>
    [Id(6)] public int Head { get; init; }

    public TranscriptMessage? Find(int id) => id >= 1 && id <= Messages.Count ? Messages[id - 1] : null;

    /// <summary>From the first message to this one.</summary>
    public IReadOnlyList<TranscriptMessage> PathTo(int id)
    {
        var path = new List<TranscriptMessage>();
        for (var message = Find(id); message is not null; message = Find(message.Parent)) path.Add(message);
        path.Reverse();
        return path;
    }

    /// <summary>The latest end of the branches that go through a message.</summary>
    public int LeafUnder(int id)
    {
        int leaf = id;
        while (Messages.LastOrDefault(message => message.Parent == leaf) is { } child) leaf = child.Id;
        return leaf;
    }

    /// <summary>Messages with the same parent, this one among them.</summary>
    public IEnumerable<int> SiblingsOf(TranscriptMessage message) =>
        Messages.Where(other => other.Parent == message.Parent && other.Role == message.Role).Select(other => other.Id);

    /// <summary>With one message in the place of the one with its id.</summary>
    public Transcript With(TranscriptMessage changed) =>
        this with { Messages = [.. Messages.Select(message => message.Id == changed.Id ? changed : message)] };
}

/// <param name="Parent">Id of the message before; 0: this is a first one.</param>
/// <param name="Role">user or assistant.</param>
/// <param name="Reasoning">What the model thought before it answered; null: it did not.</param>
/// <param name="Answer">How an assistant's message came about; null for a user's.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.TranscriptMessage")]
public sealed record TranscriptMessage(
    [property: Id(0)] int Id,
    [property: Id(1)] int Parent,
    [property: Id(2)] string Role,
    [property: Id(3)] string Content,
    [property: Id(4)] DateTimeOffset At,
    [property: Id(5)] string? Reasoning = null,
    [property: Id(6)] TranscriptAnswer? Answer = null);

/// <summary>How a message was answered: enough to tell people, to go on with it, and to send its events once more.</summary>
[GenerateSerializer, Immutable, Alias("SmolCluster.TranscriptAnswer")]
public sealed record TranscriptAnswer
{
    /// <summary>Settings, seed and model; the messages are not in it, they are the path to this one.</summary>
    [Id(0)] public required ChatRequest Request { get; init; }

    /// <summary>Key of the conversation grain that answers.</summary>
    [Id(1)] public string Id { get; init; } = "";

    /// <summary>Weights, tokenizer and kind of cache that answered.</summary>
    [Id(2)] public string Identity { get; init; } = "";

    [Id(3)] public string Silo { get; init; } = "";

    [Id(4)] public int ContextLength { get; init; }

    [Id(5)] public int PromptTokens { get; init; }

    /// <summary>Null: the prompt's turn had not come.</summary>
    [Id(6)] public int? CachedTokens { get; init; }

    [Id(7)] public int CompletionTokens { get; init; }

    /// <summary>The most tokens that this answer could have.</summary>
    [Id(8)] public int MaxTokens { get; init; }

    /// <summary>stop, length, stopped (by a person) or failed; null while it runs.</summary>
    [Id(9)] public string? FinishReason { get; init; }

    /// <summary>Why it failed; else null.</summary>
    [Id(10)] public string? Problem { get; init; }

    /// <summary>The length n of each event's text, in order; for reasoning ~n, which is below 0. The third event is the first with text.</summary>
    [Id(11)] public IReadOnlyList<int> Pieces { get; init; } = [];

    /// <summary>Of an answer that can go on, all its tokens; empty for one that came to its own end.</summary>
    [Id(12)] public IReadOnlyList<int> Tokens { get; init; } = [];

    /// <summary>From the question to the first text, as the conversation saw it; null: there was none.</summary>
    [Id(13)] public double? FirstTextSeconds { get; init; }

    /// <summary>From the question to the end.</summary>
    [Id(14)] public double Seconds { get; init; }
}

/// <summary>What is asked of a conversation.</summary>
/// <param name="Parent">The message that this one answers or goes on from; null: the last one shown; 0: none.</param>
/// <param name="Content">A person's message; null: the parent, which is a person's, is answered once more.</param>
/// <param name="Request">Settings, model and user; its messages are not read.</param>
/// <param name="System">A new system message for the conversation; null: as it was; empty: none.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.TranscriptPost")]
public sealed record TranscriptPost(
    [property: Id(0)] int? Parent,
    [property: Id(1)] string? Content,
    [property: Id(2)] ChatRequest Request,
    [property: Id(3)] string? System = null);

/// <summary>What changes about a conversation; null: stays.</summary>
/// <param name="System">Empty: none any more.</param>
/// <param name="Head">A message; the latest branch through it is shown from now on.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.TranscriptChange")]
public sealed record TranscriptChange(
    [property: Id(0)] string? Title = null,
    [property: Id(1)] string? System = null,
    [property: Id(2)] int? Head = null);

/// <summary>A conversation in its owner's list.</summary>
/// <param name="Preview">The beginning of its last message.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.ConversationEntry")]
public sealed record ConversationEntry(
    [property: Id(0)] string Id,
    [property: Id(1)] string? Title,
    [property: Id(2)] DateTimeOffset Created,
    [property: Id(3)] DateTimeOffset Updated,
    [property: Id(4)] int Messages,
    [property: Id(5)] string Preview);

/// <param name="More">Whether older ones follow.</param>
/// <param name="Total">All that fit the search.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.ConversationPage")]
public sealed record ConversationPage(
    [property: Id(0)] IReadOnlyList<ConversationEntry> Entries,
    [property: Id(1)] bool More,
    [property: Id(2)] int Total);
