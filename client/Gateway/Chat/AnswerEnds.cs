using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Chat;

/// <summary>The last events of some answers.</summary>
internal sealed class AnswerEnds(int count)
{
    private readonly AnswerFinished?[] ends = new AnswerFinished?[count];

    /// <summary>When all have come.</summary>
    /// <exception cref="InvalidOperationException">One is missing.</exception>
    public IReadOnlyList<AnswerFinished> All => [.. ends.Select((end, choice) => end
        ?? throw new InvalidOperationException($"Choice {choice} of an answer ended without AnswerFinished."))];

    public void See(int choice, GenerationEvent happened)
    {
        if (happened is AnswerFinished finished)
            ends[choice] = finished;
    }
}
