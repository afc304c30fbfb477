namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>How much plain text a state allows, whatever it is: characters without quotes, backslashes and control characters.
/// Found by going from the state with all such characters at once, until one is forbidden or nothing new comes.</summary>
internal sealed class PlainText
{
    /// <summary>States after one character that are followed; more are too many to be worth it.</summary>
    private const int MostStates = 32;

    private static readonly CodePointSet Plain = CodePointSet.Of((0, 0x1F), ('"', '"'), ('\\', '\\')).Complement();

    private readonly Expression _character;

    public PlainText(Matcher matcher)
    {
        Matcher = matcher;
        _character = new TextEncoding(matcher.Pool).Character(Plain);
    }

    public Matcher Matcher { get; }

    /// <summary>The most characters, up to <paramref name="most"/>, such that any plain text of so many is allowed.</summary>
    public int Reach(Expression state, int most)
    {
        HashSet<Expression> known = [];
        Expression[] last = [state];
        for (int characters = 0; characters < most; characters++)
        {
            HashSet<Expression> next = [];
            foreach (Expression from in last)
            {
                Expression[] after = from.AfterCharacter ??= After(from);
                if (after.Length == 0) return characters;
                next.UnionWith(after.Where(known.Add));
            }
            if (next.Count == 0) return most;
            if (next.Count > MostStates) return characters + 1;
            last = [.. next];
        }
        return most;
    }

    /// <summary>All states after one plain character; none if some character is forbidden or there are too many.</summary>
    private Expression[] After(Expression state)
    {
        HashSet<(Expression State, Expression Character)> seen = [(state, _character)];
        Queue<(Expression State, Expression Character)> open = new(seen);
        HashSet<Expression> after = [];
        while (open.TryDequeue(out (Expression State, Expression Character) at))
        {
            for (int byteClass = 0; byteClass < Matcher.Pool.Classes.Count; byteClass++)
            {
                Expression rest = Matcher.StepClass(at.Character, byteClass);
                if (rest == Matcher.Pool.Fail) continue;
                Expression next = Matcher.StepClass(at.State, byteClass);
                if (next == Matcher.Pool.Fail) return [];
                if (rest == Matcher.Pool.Empty) after.Add(next);
                else if (seen.Add((next, rest))) open.Enqueue((next, rest));
                if (after.Count > MostStates || seen.Count > 4 * MostStates) return [];
            }
        }
        return [.. after];
    }
}
