using SmolCluster.Engine.Caching;

namespace SmolCluster.Engine.Models;

/// <summary>Which of a slice's tokens need logits.</summary>
public enum LogitRows { None, Last, All }

/// <summary>Some consecutive tokens of one sequence: a prefill chunk, or the one token of a decode step.</summary>
/// <param name="Sequence">Its pages for Length + tokens are reserved.</param>
/// <param name="Tokens">At least one; they take the positions from the sequence's Length on.</param>
/// <param name="Logits">Rows of logits to compute.</param>
/// <param name="Pool">Takes the hidden states of all its tokens; null: nobody wants them.</param>
/// <param name="Adapter">At work for all its tokens; null: none.</param>
public readonly record struct BatchSlice(KvSequence Sequence, ReadOnlyMemory<int> Tokens, LogitRows Logits, PooledStates? Pool = null, Adapter? Adapter = null)
{
    public int LogitRowCount => Logits switch { LogitRows.None => 0, LogitRows.Last => 1, _ => Tokens.Length };
}
