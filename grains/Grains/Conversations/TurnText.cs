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
        var reasoning = new StringBuilder();
        var pieces = new List<int>();
        foreach (var happened in events)
        {
            if (happened is TextDelta text)
            {
                content.Append(text.Text);
                pieces.Add(text.Text.Length);
            }
            else if (happened is ReasoningDelta thought)
            {
                reasoning.Append(thought.Text);
                pieces.Add(~thought.Text.Length);
            }
        }
        return new(content.ToString(), reasoning.Length == 0 ? null : reasoning.ToString(), pieces);
    }

    /// <summary>The events of a finished message with their numbers.</summary>
    public static IEnumerable<GenerationEvent> Events(TranscriptMessage message)
    {
        var answer = message.Answer!;
        long number = 0;
        yield return new AnswerStarted(++number, answer.Request.Model, answer.PromptTokens, answer.ContextLength, answer.Silo, answer.MaxTokens, answer.Identity);
        if (answer.CachedTokens is { } cached) yield return new PrefillStarted(++number, cached);
        int content = 0, reasoning = 0;
        foreach (int piece in answer.Pieces)
        {
            if (piece >= 0)
            {
                yield return new TextDelta(++number, message.Content.Substring(content, piece), []);
                content += piece;
            }
            else
            {
                yield return new ReasoningDelta(++number, (message.Reasoning ?? "").Substring(reasoning, ~piece), []);
                reasoning += ~piece;
            }
        }
        yield return new AnswerFinished(++number, answer.FinishReason!, answer.PromptTokens, answer.CompletionTokens, answer.CachedTokens ?? 0);
    }
}
