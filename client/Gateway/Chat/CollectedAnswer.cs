using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Chat;

/// <summary>Plain answers: the same streams, collected.</summary>
internal static class CollectedAnswer
{
    public static async Task<ChatCompletion> ReadAsync(RunningChoices answers)
    {
        var (contents, ends) = await CollectAsync(answers);
        var first = answers.First;
        return new(first.Id, first.Created, first.Request.Model, first.Fingerprint,
            [.. contents.Select((content, index) => new Choice(index, AnswerMessage.Of(content), Logprobs.Of(content.Logprobs), ends[index].Reason))],
            Usage.Of(ends));
    }

    /// <summary>What each answer says, and how it ended.</summary>
    public static async Task<(AnswerContent[] Contents, IReadOnlyList<AnswerFinished> Ends)> CollectAsync(RunningChoices answers)
    {
        var contents = Enumerable.Range(0, answers.Count).Select(_ => new AnswerContent()).ToArray();
        var ends = new AnswerEnds(answers.Count);
        await foreach (var (choice, happened) in answers.ReadAsync())
        {
            contents[choice].Add(happened);
            ends.See(choice, happened);
        }
        return (contents, ends.All);
    }
}
