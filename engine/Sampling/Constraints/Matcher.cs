namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>
/// Takes expressions from state to state, a byte at a time, by Brzozowski's derivatives ("Derivatives of regular expressions",
/// 1964): the derivative of a set of texts by a byte is what may follow that byte. Rules are replaced by their bodies when their
/// turn comes, so recursion is a longer sequence; a repetition counts down and is never written out; intersection and complement
/// are as easy as choice. A state is a function of the bytes so far, every step is remembered, and after a while matching is a
/// table look-up. Not thread-safe.
/// </summary>
internal sealed class Matcher(ExpressionPool pool)
{
    public ExpressionPool Pool { get; } = pool;

    /// <summary>The state after one more byte; <see cref="ExpressionPool.Fail"/>: no matching text goes on like this.</summary>
    public Expression Step(Expression state, byte value) => StepClass(state, Pool.Classes.Of[value]);

    public Expression StepClass(Expression state, int byteClass)
    {
        if (state.Next is { } known && byteClass < known.Length && known[byteClass] is { } next) return next;
        next = Derive(state, byteClass);
        int classes = Pool.Classes.Count;
        if (state.Next is null || state.Next.Length < classes)
        {
            Array.Resize(ref state.Next, classes);
            Pool.PassingBytes += 8 * classes + 24;
        }
        return state.Next[byteClass] = next;
    }

    /// <summary>The state after all of the bytes.</summary>
    public Expression Step(Expression state, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            if (state == Pool.Fail) break;
            state = Step(state, value);
        }
        return state;
    }

    /// <summary>The state after all of the bytes, if every step of the way was made before; else null.</summary>
    public Expression? Known(Expression state, ReadOnlySpan<byte> bytes)
    {
        Expression? at = bytes.IsEmpty ? null : state;
        foreach (byte value in bytes)
        {
            int byteClass = Pool.Classes.Of[value];
            at = at!.Next is { } next && byteClass < next.Length ? next[byteClass] : null;
            if (at is null) break;
        }
        return at;
    }

    /// <summary>What all of the texts match; Fail where there is no such text.</summary>
    public Expression All(params IEnumerable<Expression> texts)
    {
        Expression all = Pool.All(texts);
        return all.Kind is ExpressionKind.All or ExpressionKind.Not && !IsLive(all) ? Pool.Fail : all;
    }

    private Expression Derive(Expression state, int byteClass) => state.Kind switch
    {
        ExpressionKind.Bytes => state.Bytes.Contains(Pool.Classes.Sample(byteClass)) ? Pool.Empty : Pool.Fail,
        ExpressionKind.Sequence => DeriveSequence(state, byteClass),
        ExpressionKind.Choice => Pool.Choice(state.Parts.Select(part => StepClass(part, byteClass))),
        ExpressionKind.Repeat => Pool.Sequence(StepClass(state.Head!, byteClass), Pool.Repeat(state.Head!, Math.Max(0, state.Least - 1),
            state.Most == Expression.Unbounded ? Expression.Unbounded : state.Most - 1)),
        ExpressionKind.Rule => StepClass(state.Rule!.Body, byteClass),
        ExpressionKind.All => All(state.Parts.Select(part => StepClass(part, byteClass))),
        ExpressionKind.Not => Pool.Not(StepClass(state.Head!, byteClass)),
        _ => Pool.Fail,
    };

    private Expression DeriveSequence(Expression state, int byteClass)
    {
        if (state.Head!.Kind == ExpressionKind.Sequence) return StepClass(Pool.Sequence(state.Head, state.Tail!), byteClass);
        Expression within = Pool.Sequence(StepClass(state.Head, byteClass), state.Tail!);
        return state.Head.Nullable ? Pool.Choice(within, StepClass(state.Tail!, byteClass)) : within;
    }

    /// <summary>Whether any text matches: all states from here are visited, and those from which an end can be reached are live.</summary>
    private bool IsLive(Expression first)
    {
        if (first.Live is { } known) return known;
        List<Expression> states = [first];
        Dictionary<Expression, List<Expression>> before = new() { [first] = [] };
        for (int i = 0; i < states.Count; i++)
        {
            if (states.Count > ConstraintLimits.IntersectionStates)
                throw new ConstraintException("Its conditions on one text (patterns, lengths, formats, looking ahead) make more than "
                    + $"{ConstraintLimits.IntersectionStates} states together; ask for fewer at once, or for smaller counts.");
            if (states[i].Kind is not (ExpressionKind.All or ExpressionKind.Not)) continue;
            foreach (Expression next in Following(states[i]))
            {
                if (!before.TryGetValue(next, out List<Expression>? sources))
                {
                    before[next] = sources = [];
                    states.Add(next);
                }
                sources.Add(states[i]);
            }
        }
        Mark(states, before);
        return first.Live!.Value;
    }

    /// <summary>Without regard to whether they are live.</summary>
    private HashSet<Expression> Following(Expression state)
    {
        HashSet<Expression> following = [];
        for (int byteClass = 0; byteClass < Pool.Classes.Count; byteClass++)
        {
            Expression next = state.Kind == ExpressionKind.Not ? Pool.Not(StepClass(state.Head!, byteClass))
                : Pool.All(state.Parts.Select(part => StepClass(part, byteClass)));
            if (next != Pool.Fail) following.Add(next);
        }
        return following;
    }

    private static void Mark(List<Expression> states, Dictionary<Expression, List<Expression>> before)
    {
        // whatever is neither of both was made of live parts only
        Stack<Expression> live = new(states.Where(static s => s.Nullable || s.Live == true || s.Kind is not (ExpressionKind.All or ExpressionKind.Not)));
        states.ForEach(static state => state.Live = false);
        while (live.TryPop(out Expression? state))
        {
            if (state.Live == true) continue;
            state.Live = true;
            before[state].ForEach(live.Push);
        }
    }
}
