namespace SmolCluster.Engine.Serving;

/// <summary>Makes a model answer that has thought for long enough: once its reasoning has as many tokens, the tokens that end it follow,
/// whatever the model would draw. A function of the answer's tokens alone, so an answer that goes on elsewhere, or that was drafted, has them
/// in the same place.</summary>
/// <param name="Begin">What an answer begins with that reasons; empty: the prompt has begun the reasoning.</param>
/// <param name="End">What ends reasoning.</param>
/// <param name="Closing">What is put in: <paramref name="End"/> and the white space around it.</param>
/// <param name="Tokens">Of reasoning at most.</param>
public sealed record ThinkingBudget(int[] Begin, int[] End, int[] Closing, int Tokens)
{
    /// <param name="answer">Its tokens so far.</param>
    /// <returns>The token that must follow; null: the model decides.</returns>
    public int? Next(ReadOnlySpan<int> answer)
    {
        long place = (long)answer.Length - Begin.Length - Tokens;
        if (place < 0 || place >= Closing.Length || !answer.StartsWith(Begin))
            return null;
        bool ended = answer.Slice(Begin.Length, Tokens).IndexOf(End) >= 0;
        return ended ? null : Closing[place];
    }
}
