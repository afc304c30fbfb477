using System.Runtime.ExceptionServices;

namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>What a step needs of a constraint: the mask after an answer, and one after each drafted token; first to last, those that
/// are known at once, and from the first one that is not by the constraint's <see cref="MaskMaker"/>.</summary>
internal sealed class StepMasks
{
    private readonly TokenConstraint _constraint;
    private readonly Action _made;
    private readonly int[] _tokens;     // of the answer, after the place, then the drafted ones
    private readonly TokenMask[] _masks; // [1 + drafted], as far as _count
    private ConstraintPlace _place;
    private int _taken;                 // tokens before the place
    private volatile int _count;
    private volatile Exception? _failure;
    private volatile bool _abandoned;

    /// <param name="constraint">What the answer keeps to.</param>
    /// <param name="place">Where the answer stood some tokens ago.</param>
    /// <param name="tokens">What follows there, the drafted ones at the end.</param>
    /// <param name="drafted">How many of them are drafted.</param>
    /// <param name="made">Called on another thread after each mask that was made.</param>
    public StepMasks(TokenConstraint constraint, ConstraintPlace place, int[] tokens, int drafted, Action made)
    {
        (_constraint, _place, _tokens, _made) = (constraint, place, tokens, made);
        _masks = new TokenMask[1 + drafted];
        Length = place.Tokens + tokens.Length - drafted;
    }

    /// <summary>Of the answer without its draft, in tokens.</summary>
    public int Length { get; }

    /// <summary>Whether the first mask is there, or will never be.</summary>
    public bool HasFirst => _count > 0 || _failure is not null;

    /// <summary>Where the answer stands without its draft; once <see cref="HasFirst"/>.</summary>
    public ConstraintPlace First { get; private set; }

    public void Begin()
    {
        TokenMask? mask = null;
        while (_count < _masks.Length && _constraint.TryMask(Next(), ref _place, out mask)) Add(mask);
        if (_count < _masks.Length) _constraint.Maker.Add(this);
    }

    /// <summary>No more of them are wanted.</summary>
    public void Abandon() => _abandoned = true;

    /// <returns>Null: it is not there yet.</returns>
    /// <exception cref="ConstraintException">Finding it would take too long.</exception>
    /// <exception cref="InvalidOperationException">The answer does not keep to the constraint.</exception>
    public TokenMask? Find(int drafted)
    {
        if (drafted < _count) return _masks[drafted];
        if (_failure is { } failure) ExceptionDispatchInfo.Throw(failure);
        return null;
    }

    /// <summary>Makes one more of those that are wanted; on the maker's thread.</summary>
    /// <returns>Whether there are more.</returns>
    public bool MakeNext()
    {
        if (_abandoned) return false;
        try
        {
            Add(_constraint.Mask(Next(), ref _place));
        }
        catch (Exception problem) // the draw throws it, which ends this answer and no other
        {
            _failure = problem;
        }
        _made();
        return _failure is null && _count < _masks.Length;
    }

    private ReadOnlySpan<int> Next() => _tokens.AsSpan(_taken..(_tokens.Length - _masks.Length + 1 + _count));

    private void Add(TokenMask mask)
    {
        _taken = _tokens.Length - _masks.Length + 1 + _count;
        _masks[_count] = mask;
        if (_count == 0) First = _place;
        _count++;
    }
}
