using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Chat;

/// <summary>A plain answer: the same stream, collected.</summary>
internal static class CollectedAnswer
{
    public static async Task<ChatCompletion> ReadAsync(RunningChoices answers)
    {
        var contents = Enumerable.Range(0, answers.Count).Select(_ => new AnswerContent()).ToArray();
        var ends = new AnswerFinished[answers.Count];
        await foreach (var (choice, happened) in answers.ReadAsync())
        {
            contents[choice].Add(happened);
            if (happened is AnswerFinished finished)
                ends[choice] = finished;
        }
        if (Array.IndexOf(ends, null) is >= 0 and var cut)
            throw new InvalidOperationException($"Choice {cut} of the answer {answers.First.Id} ended without AnswerFinished.");
        var first = answers.First;
        return new(first.Id, first.Created, first.Request.Model, first.Fingerprint,
            [.. contents.Select((content, index) => new Choice(index, AnswerMessage.Of(content), Logprobs.Of(content.Logprobs), ends[index].Reason))],
            Usage.Of(ends));
    }
}
