namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>One answer and its constraint. <see cref="Take"/> is the batch loop's; between two of its calls any thread may ask
/// the rest.</summary>
internal sealed class ConstrainedAnswer(TokenConstraint constraint)
{
    private ConstraintPlace _place;

    /// <summary>Remembers the place after these tokens, so that the next mask need not find it.</summary>
    public void Take(ReadOnlySpan<int> answer)
    {
        try
        {
            _place = constraint.After(answer, _place);
        }
        catch (ConstraintException)
        {
            // it is found again, and thrown, where the next mask is asked for, which ends this answer and no other
        }
    }

    /// <summary>Forbids the tokens that must not follow.</summary>
    /// <param name="answer">All that was generated, then possibly drafted tokens.</param>
    /// <param name="logits">[vocabulary]</param>
    public void Apply(ReadOnlySpan<int> answer, Span<float> logits) => constraint.Mask(answer, _place).Apply(logits);

    /// <summary>How many tokens of a draft, from its first, are allowed.</summary>
    /// <param name="answer">All that was generated, then the drafted tokens.</param>
    public int Allowed(ReadOnlySpan<int> answer, int drafted)
    {
        int allowed = 0;
        try
        {
            for (int known = answer.Length - drafted; allowed < drafted; allowed++, known++)
            {
                if (!constraint.Mask(answer[..known], _place).Allows(answer[known])) break;
            }
        }
        catch (Exception problem) when (problem is ConstraintException or InvalidOperationException)
        {
            // as with Take: a draft is not the place to fail
        }
        return allowed;
    }
}
