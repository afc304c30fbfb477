using System.Text.Json.Serialization;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Conversations;

/// <summary>A conversation with the branch that is shown.</summary>
/// <param name="Head">Id of the branch's last message; 0: there is none.</param>
internal sealed record ConversationObject(string Id, string? Title, string? System, long CreatedAt, long UpdatedAt, int Head,
    IReadOnlyList<MessageObject> Messages)
{
    public string Object { get; } = "conversation";

    public static ConversationObject Of(string id, Transcript transcript) => new(id, transcript.Title, transcript.System,
        transcript.Created.ToUnixTimeSeconds(), transcript.Updated.ToUnixTimeSeconds(), transcript.Head,
        [.. transcript.PathTo(transcript.Head).Select(message => MessageObject.Of(message, transcript))]);
}

/// <param name="Siblings">Ids of all that stand in this place in other branches, this one's among them, in order.</param>
internal sealed record MessageObject(int Id, int Parent, string Role, string Content,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ReasoningContent, long CreatedAt, IReadOnlyList<int> Siblings,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] AnswerObject? Answer)
{
    public static MessageObject Of(TranscriptMessage message, Transcript transcript) => new(message.Id, message.Parent, message.Role, message.Content,
        message.Reasoning, message.At.ToUnixTimeSeconds(), [.. transcript.SiblingsOf(message)],
        message.Answer is { } answer ? AnswerObject.Of(answer) : null);
}

/// <param name="FinishReason">stop, length, stopped or failed; null while it runs.</param>
/// <param name="Seed">As text, because JavaScript's numbers do not hold it.</param>
internal sealed record AnswerObject(string Model, string? FinishReason, string? Problem, string Silo, string Seed, int ContextLength, int PromptTokens,
    int CompletionTokens, int CachedTokens, double? FirstTextSeconds, double Seconds)
{
    public static AnswerObject Of(TranscriptAnswer answer) => new(answer.Request.Model, answer.FinishReason, answer.Problem, answer.Silo,
        unchecked((long)answer.Request.Sampling.Seed).ToString(System.Globalization.CultureInfo.InvariantCulture), answer.ContextLength,
        answer.PromptTokens, answer.CompletionTokens, answer.CachedTokens ?? 0,
        answer.FirstTextSeconds is { } first ? Math.Round(first, 3) : null, Math.Round(answer.Seconds, 3));
}

/// <param name="Total">All that fit the search.</param>
internal sealed record ConversationList(IReadOnlyList<ConversationSummary> Data, bool HasMore, string? LastId, int Total)
{
    public string Object { get; } = "list";

    public static ConversationList Of(ConversationPage page) => new([.. page.Entries.Select(ConversationSummary.Of)], page.More,
        page.Entries.Count > 0 ? page.Entries[^1].Id : null, page.Total);
}

internal sealed record ConversationSummary(string Id, string? Title, long CreatedAt, long UpdatedAt, int MessageCount, string Preview)
{
    public string Object { get; } = "conversation";

    public static ConversationSummary Of(ConversationEntry entry) => new(entry.Id, entry.Title, entry.Created.ToUnixTimeSeconds(),
        entry.Updated.ToUnixTimeSeconds(), entry.Messages, entry.Preview);
}

internal sealed record DeletedConversation(string Id)
{
    public string Object { get; } = "conversation.deleted";

    public bool Deleted { get; } = true;
}
