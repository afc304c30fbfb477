using System.Text;
using SmolCluster.Contracts;

namespace SmolCluster.Grains.Conversations;

/// <summary>What may be asked of a transcript, and what becomes of it then. Pure.</summary>
internal static class TranscriptPlan
{
    /// <summary>Messages and characters of one conversation: it is written whole with each turn.</summary>
    private const int MostMessages = 2000;
    private const long MostCharacters = 4L * 1024 * 1024;

    private const int LongestTitle = 60;
    private const int LongestPreview = 140;

    /// <summary>The transcript with the new messages, the assistant's last, its answer not begun.</summary>
    /// <exception cref="ChatException">MessageNotFound, ConversationFull.</exception>
    public static Transcript Asked(Transcript transcript, TranscriptPost post, string answerId, DateTimeOffset now)
    {
        int parent = post.Parent ?? transcript.Head;
        if (parent != 0) Require(transcript, parent);
        RequireRoom(transcript, post.Content);
        var messages = transcript.Messages.ToList();
        if (post.Content is { } content)
        {
            messages.Add(new(messages.Count + 1, parent, "user", content, now));
            parent = messages.Count;
        }
        else if (transcript.Find(parent) is not { Role: "user" })
            throw new ChatException(ChatError.MessageNotFound, $"Message {parent} is not a person's message, and only such a one can be answered again. Send 'content' to say something.");
        var request = post.Request with { Messages = [] };
        messages.Add(new(messages.Count + 1, parent, "assistant", "", now, Answer: new() { Request = request, Id = answerId }));
        return transcript with
        {
            Title = transcript.Title ?? TitleOf(messages.First(message => message.Role == "user").Content),
            System = post.System switch { null => transcript.System, "" => null, var text => text },
            Messages = messages,
            Head = messages.Count,
            Updated = now,
        };
    }

    /// <summary>The request behind an assistant's message: the system message, the path to it, and its settings.</summary>
    public static ChatRequest RequestOf(Transcript transcript, TranscriptMessage message)
    {
        var path = transcript.PathTo(message.Parent).Where(turn => turn.Role == "user" || turn.Content.Length > 0)
            .Select(turn => new ChatMessage(turn.Role, turn.Content));
        var system = transcript.System is { } text ? new[] { new ChatMessage("system", text) } : [];
        return message.Answer!.Request with { Messages = [.. system, .. path] };
    }

    /// <exception cref="ChatException">MessageNotFound: there is no such message, or nothing of it is left to say.</exception>
    public static TranscriptMessage Continued(Transcript transcript, int id, int? maxTokens, string answerId)
    {
        var message = Require(transcript, id);
        if (message.Answer is not { FinishReason: "length" or "stopped" or "failed" } answer)
            throw new ChatException(ChatError.MessageNotFound, $"Message {id} cannot go on: only an answer that was stopped, failed or reached its longest can.");
        return message with
        {
            Answer = answer with { Id = answerId, FinishReason = null, Problem = null, Request = answer.Request with { MaxTokens = maxTokens } },
        };
    }

    public static TranscriptMessage Require(Transcript transcript, int id) => transcript.Find(id)
        ?? throw new ChatException(ChatError.MessageNotFound, $"This conversation has no message {id}; its messages are 1 to {transcript.Messages.Count}.");

    /// <summary>The branch up to a message as a conversation of its own, with ids of its own.</summary>
    public static Transcript Forked(Transcript transcript, int id, string? title, DateTimeOffset now)
    {
        Require(transcript, id);
        var path = transcript.PathTo(id);
        if (path.Any(message => message.Answer is { FinishReason: null }))
            throw new ChatException(ChatError.Busy, "This answer still runs. Stop it, or wait for its end, before it is forked.");
        return transcript with
        {
            Title = title ?? transcript.Title,
            Created = now,
            Updated = now,
            Messages = [.. path.Select((message, index) => message with { Id = index + 1, Parent = index })],
            Head = path.Count,
        };
    }

    public static ConversationEntry EntryOf(string id, Transcript transcript) => new(id, transcript.Title, transcript.Created, transcript.Updated,
        transcript.PathTo(transcript.Head).Count, Cut(transcript.PathTo(transcript.Head).LastOrDefault(message => message.Content.Length > 0)?.Content ?? "", LongestPreview));

    /// <summary>As others read it: without what only going on and replay need.</summary>
    public static Transcript Readable(Transcript transcript) => transcript with
    {
        Messages = [.. transcript.Messages.Select(message => message with { Answer = message.Answer is { } answer ? answer with { Pieces = [], Tokens = [] } : null })],
    };

    private static void RequireRoom(Transcript transcript, string? content)
    {
        if (transcript.Messages.Count + 2 > MostMessages)
            throw new ChatException(ChatError.ConversationFull, $"This conversation has {transcript.Messages.Count} messages, and {MostMessages} are the most. Fork it, or begin a new one.");
        long characters = transcript.Messages.Sum(message => (long)message.Content.Length + (message.Reasoning?.Length ?? 0)) + (content?.Length ?? 0);
        if (characters > MostCharacters)
            throw new ChatException(ChatError.ConversationFull, $"With this message the conversation would have {characters} characters, and {MostCharacters} are the most. Fork it, or begin a new one.");
    }

    private static string TitleOf(string content) =>
        Cut(content.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() ?? "", LongestTitle);

    /// <summary>Whole characters, on one line.</summary>
    private static string Cut(string text, int longest)
    {
        var line = text.ReplaceLineEndings(" ").Trim();
        if (line.Length <= longest) return line;
        int end = char.IsHighSurrogate(line[longest - 2]) ? longest - 2 : longest - 1;
        return new StringBuilder(line, 0, end, longest).Append('…').ToString();
    }
}
