namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>One answer and its constraint, as the batch loop sees them: before a step it asks which tokens may follow, and at the
/// step's end it takes what is there. Masks met before are there at once. The others are made during the step on another thread,
/// for the worst take hundreds of milliseconds, which every answer of the batch would have to wait; where one is late, this answer
/// alone draws again, in a step after. <see cref="TryApply"/> may be called by several threads at once, the rest is the loop's.</summary>
/// <param name="constraint">Shared with others.</param>
/// <param name="made">Called on another thread when a mask was made.</param>
internal sealed class ConstrainedAnswer(TokenConstraint constraint, Action made)
{
    private ConstraintPlace _place; // from which masks are looked for: where the answer stood a step ago
    private StepMasks? _masks;
    private bool _late;

    /// <summary>Whether a step would be for nothing yet.</summary>
    public bool Waits => _late && !_masks!.HasFirst;

    /// <summary>Before a step: has the masks looked up, or made.</summary>
    /// <param name="answer">All that was generated, then the drafted tokens.</param>
    /// <param name="drafted">How many these are.</param>
    public void Ask(ReadOnlySpan<int> answer, int drafted)
    {
        _late = false;
        bool asked = drafted == 0 && _masks?.Length == answer.Length; // with an earlier part of the prompt, or it was late
        if (!asked) Begin(answer, drafted);
    }

    /// <summary>After a step whose draw the mask was too late for: the answer draws again once it is there.</summary>
    /// <param name="answer">All that was generated.</param>
    public void Postpone(ReadOnlySpan<int> answer)
    {
        _late = true;
        if (_masks!.Length != answer.Length) Begin(answer, 0);
    }

    /// <summary>Forbids the tokens that must not follow.</summary>
    /// <param name="drafted">After so many drafted tokens.</param>
    /// <param name="logits">[vocabulary]</param>
    /// <returns>False: which these are is not known yet, and the logits are as they were.</returns>
    /// <exception cref="ConstraintException">Finding them would take too long.</exception>
    /// <exception cref="InvalidOperationException">The answer itself does not keep to the constraint.</exception>
    public bool TryApply(int drafted, Span<float> logits)
    {
        TokenMask? mask = _masks!.Find(drafted);
        mask?.Apply(logits);
        return mask is not null;
    }

    /// <summary>How many tokens of a draft, from its first, may be allowed: all but those from the first one on that is known not to be.</summary>
    /// <param name="answer">All that was generated, then the drafted tokens.</param>
    /// <param name="drafted">How many these are.</param>
    public int Allowed(ReadOnlySpan<int> answer, int drafted)
    {
        int known = answer.Length - drafted;
        if (_masks?.Length == known) return 0; // asked for already, without a draft
        ConstraintPlace place = Latest();
        for (int allowed = 0; allowed < drafted; allowed++)
        {
            if (!constraint.TryMask(answer[place.Tokens..(known + allowed)], ref place, out TokenMask? mask)) return drafted;
            if (!mask.Allows(answer[known + allowed])) return allowed;
        }
        return drafted;
    }

    private void Begin(ReadOnlySpan<int> answer, int drafted)
    {
        _place = Latest();
        _masks?.Abandon();
        _masks = new StepMasks(constraint, _place, answer[_place.Tokens..].ToArray(), drafted, made);
        _masks.Begin();
    }

    private ConstraintPlace Latest() => _masks is { HasFirst: true } masks ? masks.First : _place;
}
