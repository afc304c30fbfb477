namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>
/// From a regular expression to the texts that it matches. Anchors are understood where they can only mean the text's beginning
/// or end: at the edges of an alternative, also of one in a group at the edge. Looking ahead is understood there as well, where
/// what it looks at goes on to the text's end: the rest of the text must match both. Elsewhere they are refused.
/// </summary>
/// <param name="encoding">How the matched characters are written.</param>
internal sealed class RegexGrammar(Matcher matcher, TextEncoding encoding)
{
    private readonly ExpressionPool _pool = matcher.Pool;

    private Expression AnyText => _pool.Repeat(encoding.Character(CodePointSet.Every), 0, Expression.Unbounded);

    /// <summary>The texts that match as a whole.</summary>
    public Expression Whole(Syntax pattern) => Lower(pattern, atStart: true, atEnd: true, before: false, after: false);

    /// <summary>The texts in which the pattern is found, as JSON schema means its patterns.</summary>
    public Expression Found(Syntax pattern) => Lower(pattern, atStart: true, atEnd: true, before: true, after: true);

    /// <param name="atStart">Nothing stands before it.</param>
    /// <param name="atEnd">Nothing follows it.</param>
    /// <param name="before">Whether any text may come before it, if it has no anchor.</param>
    /// <param name="after">Whether any text may follow it, if it has no anchor.</param>
    private Expression Lower(Syntax pattern, bool atStart, bool atEnd, bool before, bool after) => pattern switch
    {
        Syntax.Alternatives { Items: var items } => _pool.Choice(items.Select(item => Lower(item, atStart, atEnd, before, after))),
        Syntax.Series { Items: var items } => LowerSeries(items, atStart, atEnd, before, after),
        Syntax.Anchor => Lower(new Syntax.Series([pattern]), atStart, atEnd, before, after),
        _ => Surround(LowerItem(pattern), before, after),
    };

    private Expression LowerSeries(IReadOnlyList<Syntax> items, bool atStart, bool atEnd, bool before, bool after)
    {
        int first = 0, end = items.Count;
        for (; first < end && items[first] is Syntax.Anchor { AtEnd: false }; first++)
        {
            if (!atStart) throw Misplaced("'^' where the text has begun already");
            before = false;
        }
        for (; end > first && items[end - 1] is Syntax.Anchor { AtEnd: true }; end--)
        {
            if (!atEnd) throw Misplaced("'$' where the text goes on");
            after = false;
        }
        return LowerInner([.. items.Skip(first).Take(end - first)], atStart, atEnd, before, after);
    }

    private Expression LowerInner(Syntax[] items, bool atStart, bool atEnd, bool before, bool after)
    {
        if (items.Length == 0) return before || after ? AnyText : _pool.Empty;
        if (items[0] is Syntax.Lookahead look)
        {
            if (!atEnd) throw Misplaced("looking ahead in a group that more follows");
            if (before) throw Misplaced("looking ahead without '^' before it");
            Expression ahead = Lower(look.Item, atStart: false, atEnd: true, before: false, after: true);
            Expression rest = LowerSeries(items[1..], atStart, atEnd, before, after);
            return matcher.All(look.Negative ? _pool.Not(ahead) : ahead, rest);
        }
        if (items.Length == 1) return Lower(items[0], atStart, atEnd, before, after);
        if (items.Skip(1).OfType<Syntax.Lookahead>().Any())
        {
            int at = Array.FindIndex(items, 1, static i => i is Syntax.Lookahead);
            return _pool.Sequence(LowerInner(items[..at], atStart, false, before, false), LowerInner(items[at..], false, atEnd, false, after));
        }
        Expression text = Lower(items[^1], atStart: false, atEnd, before: false, after);
        for (int i = items.Length - 2; i > 0; i--) text = _pool.Sequence(Lower(items[i], false, false, false, false), text);
        return _pool.Sequence(Lower(items[0], atStart, atEnd: false, before, after: false), text);
    }

    private Expression LowerItem(Syntax item) => item switch
    {
        Syntax.Character { Set: var set } => encoding.Character(set),
        Syntax.Repeated { Item: var inner, Least: var least, Most: var most } =>
            _pool.Repeat(Lower(inner, false, false, false, false), least, most),
        _ => throw Misplaced("looking ahead here"),
    };

    private Expression Surround(Expression text, bool before, bool after) =>
        _pool.Sequence(before ? AnyText : _pool.Empty, text, after ? AnyText : _pool.Empty);

    private static ConstraintException Misplaced(string what) => new($"The regular expression has {what}, which is not supported.");
}
