namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>The making of one mask: bits for the tokens found, and what the walk may cost. It counts the alternatives of each
/// state that it visits, known before or not, so that the bound is the constraint's and not the cache's.</summary>
internal sealed class MaskWalk(Matcher matcher, ulong[] bits, int number, Expression[] path)
{
    private Expression[] _path = path;
    private int _work;

    public Matcher Matcher { get; } = matcher;

    public ulong[] Bits { get; } = bits;

    /// <summary>Scratch: the states along one token.</summary>
    public Expression[] Path(int length)
    {
        if (_path.Length < length) _path = new Expression[length];
        return _path;
    }

    public void Allow(int token) => Bits[token >> 6] |= 1UL << (token & 63);

    public Expression Step(Expression state, byte value)
    {
        Expression next = Matcher.Step(state, value);
        if (next.Walk != number) Visit(next);
        return next;
    }

    private void Visit(Expression state)
    {
        state.Walk = number;
        _work += state.Width;
        if (_work > ConstraintLimits.MaskWork)
            throw new ConstraintException("The constraint is too ambiguous here: so many alternatives are open that finding the tokens that may "
                + $"come next would take more than {ConstraintLimits.MaskWork} steps. Make it simpler.");
    }
}
