using System.Text;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Chat;

/// <summary>A plain answer: the stream, collected.</summary>
internal static class CollectedAnswer
{
    public static async Task<ChatCompletion> ReadAsync(RunningAnswer answer)
    {
        var text = new StringBuilder();
        await foreach (var happened in answer.ReadAsync())
        {
            if (happened is TextDelta delta)
                text.Append(delta.Text);
            else if (happened is AnswerFinished finished)
                return new(answer.Id, answer.Created, answer.Request.Model,
                    [new(0, new("assistant", text.ToString()), finished.Reason)], Usage.Of(finished));
        }
        throw new InvalidOperationException($"The answer {answer.Id} ended without AnswerFinished.");
    }
}
