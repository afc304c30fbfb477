namespace SmolCluster.Engine.Serving;

/// <summary>What makes the tokens of a batch step: <see cref="BatchDecoder"/> computes them, <see cref="PacedDecoder"/> takes as long
/// and computes nothing. Owned by the batch loop's thread.</summary>
internal interface IBatchDecoder : IDisposable
{
    /// <summary>Tokens a step at most.</summary>
    int MaxTokens { get; }

    /// <summary>Tokens guessed so far, and those of them that were drawn.</summary>
    (long Drafted, long Accepted) Drafts { get; }

    /// <summary>Called once by the thread of the batch loop, before the first step.</summary>
    void Enter();

    /// <summary>Runs a step whose pages are reserved; some sequences may have ended after it.</summary>
    void Run(IReadOnlyList<(SequenceRun Run, int Tokens)> step);
}
