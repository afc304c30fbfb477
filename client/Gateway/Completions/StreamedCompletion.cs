using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;

namespace SmolCluster.Gateway.Completions;

/// <summary>A continued text as server-sent events.</summary>
/// <param name="each">How many answers to each prompt.</param>
/// <param name="echo">What stands before the answers to each prompt.</param>
internal sealed class StreamedCompletion(RunningChoices answers, int each, string[] echo) : SseAnswer(answers)
{
    private readonly int[] offsets = new int[answers.Count];

    protected override async Task WriteAnswerAsync(SseWriter sse)
    {
        var ends = new AnswerEnds(Answers.Count);
        await foreach (var (choice, happened) in Answers.ReadAsync())
        {
            ends.See(choice, happened);
            if (Piece(choice, happened) is { } piece)
                await WriteAsync(sse, [piece], null);
        }
        if (Answers.First.Request.IncludeUsage)
            await WriteAsync(sse, [], Usage.Of(ends.All, each));
    }

    private CompletionChoice? Piece(int choice, GenerationEvent happened)
    {
        if (happened is AnswerStarted && echo[choice / each] is { Length: > 0 } prompt)
            return new(choice, prompt, null, null);
        if (happened is AnswerFinished finished)
            return new(choice, "", null, finished.Reason);
        if (happened is not TextDelta text)
            return null;
        var logprobs = CompletionLogprobs.Of(text.Logprobs, offsets[choice]);
        offsets[choice] += text.Text.Length;
        return new(choice, text.Text, logprobs, null);
    }

    private Task WriteAsync(SseWriter sse, IReadOnlyList<CompletionChoice> choices, Usage? usage) =>
        sse.WriteAsync(null, Completion.Of(Answers.First, choices, usage), GatewayJson.Default.Completion);
}
