using System.Text;
using SmolCluster.Contracts;

namespace SmolCluster.Grains.Conversations;

/// <summary>Between an answer's events and what a message keeps of them, in both directions.</summary>
/// <param name="Pieces">See <see cref="TranscriptAnswer.Pieces"/>.</param>
internal sealed record TurnText(string Content, string? Reasoning, IReadOnlyList<int> Pieces)
{
    public static TurnText Of(IEnumerable<GenerationEvent> events)
    {
        var content = new StringBuilder();
        var pieces = new List<int>();
        foreach (var delta in events.OfType<TextDelta>())
        {
            content.Append(delta.Text);
            pieces.Add(delta.Text.Length);
        }
        return new(content.ToString(), null, pieces);
    }

    /// <summary>The events of a finished message with their numbers.</summary>
    public static IEnumerable<GenerationEvent> Events(TranscriptMessage message)
    {
        var answer = message.Answer!;
        long number = 0;
        yield return new AnswerStarted(++number, answer.Request.Model, answer.PromptTokens, answer.ContextLength, answer.Silo, answer.MaxTokens, answer.Identity);
        if (answer.CachedTokens is { } cached) yield return new PrefillStarted(++number, cached);
        int content = 0;
        foreach (int piece in answer.Pieces)
        {
            yield return new TextDelta(++number, message.Content.Substring(content, piece), []);
            content += piece;
        }
        yield return new AnswerFinished(++number, answer.FinishReason!, answer.PromptTokens, answer.CompletionTokens, answer.CachedTokens ?? 0);
    }
}
