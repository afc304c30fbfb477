namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>Makes expressions, each once, in a form in which as many equal ones as possible look alike: that keeps states few.
/// What is made until <see cref="Seal"/> is the constraint itself and stays; what is made after it, the states that answers
/// reach, can be forgotten. Not thread-safe.</summary>
internal sealed class ExpressionPool
{
    private readonly record struct Key(ExpressionKind Kind, int First, int Second, int Third, ByteSet Bytes);

    private const int ExpressionBytes = 240;

    private readonly Dictionary<Key, Expression> _lasting = [];
    private readonly Dictionary<PartsKey, Expression> _lastingParts = [];
    private Dictionary<Key, Expression> _passing = [];
    private Dictionary<PartsKey, Expression> _passingParts = [];
    private readonly List<Rule> _rules = [];
    private int _ids;
    private int _firstPassing = int.MaxValue;
    private bool _sealed;

    public ExpressionPool()
    {
        Fail = Make(new(ExpressionKind.Fail, 0, 0, 0, default), id => new(id, ExpressionKind.Fail));
        Empty = Make(new(ExpressionKind.Empty, 0, 0, 0, default), id => new(id, ExpressionKind.Empty) { Nullable = true });
        Everything = Make(new(ExpressionKind.Not, Fail.Id, 0, 0, default), id => new(id, ExpressionKind.Not) { Head = Fail, Nullable = true, Live = true });
    }

    public Expression Fail { get; }

    public Expression Empty { get; }

    /// <summary>Any text, any bytes.</summary>
    public Expression Everything { get; }

    public ByteClasses Classes { get; } = new();

    /// <summary>Memory of what can be forgotten, in bytes, more or less.</summary>
    public int PassingBytes { get; set; }

    /// <summary>Who finds another number than it remembers holds states that were forgotten.</summary>
    public int Generation { get; private set; }

    public void Seal() => (_sealed, _firstPassing) = (true, _ids);

    /// <summary>Forgets all states but the constraint itself.</summary>
    public void Forget()
    {
        foreach (Expression lasting in _lasting.Values.Concat(_lastingParts.Values))
            (lasting.Next, lasting.Mask, lasting.AfterCharacter) = (null, null, null);
        (_passing, _passingParts, PassingBytes) = ([], [], 0);
        Generation++;
    }

    /// <summary>A state from before the last forgetting, made anew: what an answer has reached is not found again from its beginning, which
    /// would take a long answer longer with every token.</summary>
    public Expression Adopt(Expression state) => Adopt(state, []);

    private Expression Adopt(Expression state, Dictionary<Expression, Expression> made)
    {
        if (state.Id < _firstPassing) return state;
        if (made.TryGetValue(state, out Expression? known)) return known;
        Stack<Expression> heads = new(); // tails may be as long as an answer is nested
        Expression tail = state;
        for (; tail.Id >= _firstPassing && tail.Kind == ExpressionKind.Sequence; tail = tail.Tail!) heads.Push(tail.Head!);
        Expression adopted = tail.Id < _firstPassing ? tail : tail.Kind switch
        {
            ExpressionKind.Bytes => Bytes(tail.Bytes),
            ExpressionKind.Choice => Choice(tail.Parts.Select(part => Adopt(part, made))),
            ExpressionKind.Repeat => Repeat(Adopt(tail.Head!, made), tail.Least, tail.Most),
            ExpressionKind.Rule => Reference(tail.Rule!),
            ExpressionKind.All => All(tail.Parts.Select(part => Adopt(part, made))),
            ExpressionKind.Not => Not(Adopt(tail.Head!, made)),
            _ => tail,
        };
        while (heads.TryPop(out Expression? head)) adopted = Join(Adopt(head, made), adopted);
        return made[state] = adopted;
    }

    public Expression Bytes(ByteSet set)
    {
        if (set.IsEmpty) return Fail;
        Classes.Separate(set);
        return Make(new(ExpressionKind.Bytes, 0, 0, 0, set), id => new(id, ExpressionKind.Bytes) { Bytes = set, Height = 1 });
    }

    public Expression Literal(ReadOnlySpan<byte> bytes)
    {
        Expression text = Empty;
        for (int i = bytes.Length - 1; i >= 0; i--) text = Sequence(Bytes(ByteSet.Of(bytes[i])), text);
        return text;
    }

    public Expression Sequence(params ReadOnlySpan<Expression> items)
    {
        Expression text = Empty;
        for (int i = items.Length - 1; i >= 0; i--) text = Sequence(items[i], text);
        return text;
    }

    /// <summary>The head of the result is no sequence: a state's first part is what the next byte meets. Only the front is put
    /// in this form, so that it takes no time to follow one text by another.</summary>
    public Expression Sequence(Expression head, Expression tail)
    {
        while (head.Kind == ExpressionKind.Sequence) (head, tail) = (head.Head!, Join(head.Tail!, tail));
        return Join(head, tail);
    }

    public Expression Choice(IEnumerable<Expression> parts)
    {
        List<Expression> flat = [];
        ByteSet bytes = default;
        foreach (Expression part in parts)
        {
            ReadOnlySpan<Expression> each = part.Kind == ExpressionKind.Choice ? part.Parts : [part];
            foreach (Expression one in each)
            {
                if (one == Everything) return Everything;
                if (one.Kind == ExpressionKind.Bytes) bytes |= one.Bytes;
                else if (one != Fail) flat.Add(one);
            }
        }
        if (!bytes.IsEmpty) flat.Add(Bytes(bytes));
        flat.Sort(ById);
        int kept = 0, nullable = 0;
        for (int i = 0; i < flat.Count; i++)
        {
            if (kept > 0 && flat[kept - 1] == flat[i]) continue;
            nullable += flat[i].Nullable ? 1 : 0;
            flat[kept++] = flat[i];
        }
        flat.RemoveRange(kept, flat.Count - kept);
        if (nullable > 1) flat.Remove(Empty);
        if (flat.Count < 2) return flat.Count == 0 ? Fail : flat[0];
        if (flat.Count > ConstraintLimits.Width)
            throw new ConstraintException($"More than {ConstraintLimits.Width} alternatives are open at the same place; make it less ambiguous.");
        return Make(ExpressionKind.Choice, [.. flat], static parts => parts.Any(static p => p.Nullable));
    }

    public Expression Choice(params ReadOnlySpan<Expression> parts) => Choice(parts.ToArray().AsEnumerable());

    public Expression Optional(Expression text) => Choice(text, Empty);

    /// <param name="most"><see cref="Expression.Unbounded"/>: no limit.</param>
    public Expression Repeat(Expression text, int least, int most)
    {
        if (text.Nullable) least = 0;
        if (most == 0 || text == Empty) return Empty;
        if (text == Fail) return least == 0 ? Empty : Fail;
        if (least == 1 && most == 1) return text;
        bool repeatsItself = text.Kind == ExpressionKind.Repeat && text.Least == 0 && text.Most == Expression.Unbounded;
        if (repeatsItself || text == Everything) return text;
        return Make(new(ExpressionKind.Repeat, text.Id, least, most, default), id => new(id, ExpressionKind.Repeat)
        {
            Head = text,
            Least = least,
            Most = most,
            Nullable = least == 0,
            Height = text.Height + 1,
        });
    }

    public Expression Reference(Rule rule)
    {
        int number = _rules.IndexOf(rule);
        if (number < 0)
        {
            number = _rules.Count;
            _rules.Add(rule);
        }
        return Make(new(ExpressionKind.Rule, number, 0, 0, default), id => new(id, ExpressionKind.Rule)
        {
            Rule = rule,
            Nullable = rule.Nullable,
            Height = rule.Height + 1,
        });
    }

    /// <summary>What all parts match; without looking whether there is any such text.</summary>
    public Expression All(IEnumerable<Expression> parts)
    {
        SortedSet<Expression> flat = new(parts.SelectMany(static p => p.Kind == ExpressionKind.All ? p.Parts : [p]), ById);
        flat.Remove(Everything);
        if (flat.Contains(Fail)) return Fail;
        if (flat.Contains(Empty)) return flat.All(static p => p.Nullable) ? Empty : Fail;
        if (flat.Count < 2) return flat.Count == 0 ? Everything : flat.Min!;
        return Make(ExpressionKind.All, [.. flat], static parts => parts.All(static p => p.Nullable));
    }

    public Expression Not(Expression text) => text == Fail ? Everything : text == Everything ? Fail
        : text.Kind == ExpressionKind.Not ? text.Head!
        : Make(new(ExpressionKind.Not, text.Id, 0, 0, default), id => new(id, ExpressionKind.Not)
        {
            Head = text,
            Nullable = !text.Nullable,
            Height = text.Height + 1,
        });

    private static Comparer<Expression> ById { get; } = Comparer<Expression>.Create(static (a, b) => a.Id.CompareTo(b.Id));

    private Expression Join(Expression head, Expression tail)
    {
        if (head == Fail || tail == Fail) return Fail;
        if (head == Empty) return tail;
        if (tail == Empty) return head;
        return Make(new(ExpressionKind.Sequence, head.Id, tail.Id, 0, default), id => new(id, ExpressionKind.Sequence)
        {
            Head = head,
            Tail = tail,
            Nullable = head.Nullable && tail.Nullable,
            Height = 1 + (head.Nullable ? Math.Max(head.Height, tail.Height) : head.Height),
        });
    }

    private Expression Make(Key key, Func<int, Expression> make) =>
        _lasting.TryGetValue(key, out Expression? known) || _passing.TryGetValue(key, out known) ? known
            : (_sealed ? _passing : _lasting)[key] = Counted(make(_ids++));

    private Expression Make(ExpressionKind kind, Expression[] parts, Func<Expression[], bool> nullable)
    {
        PartsKey key = new(kind, parts);
        if (_lastingParts.TryGetValue(key, out Expression? known) || _passingParts.TryGetValue(key, out known)) return known;
        Expression made = new(_ids++, kind) { Parts = parts, Nullable = nullable(parts), Height = 1 + parts.Max(static p => p.Height) };
        PassingBytes += parts.Length * 16;
        return (_sealed ? _passingParts : _lastingParts)[key] = Counted(made);
    }

    private Expression Counted(Expression made)
    {
        PassingBytes += ExpressionBytes;
        if (made.Height > ConstraintLimits.Height)
            throw new ConstraintException($"It is nested, or has optional parts in a row, more than {ConstraintLimits.Height} deep.");
        if (!_sealed && _ids > ConstraintLimits.Expressions)
            throw new ConstraintException($"It is too large: compiled it would take more than {ConstraintLimits.Expressions} parts.");
        return made;
    }

    /// <summary>Parts compared by what they are.</summary>
    private readonly struct PartsKey(ExpressionKind kind, Expression[] parts) : IEquatable<PartsKey>
    {
        private readonly ExpressionKind _kind = kind;
        private readonly Expression[] _parts = parts;

        public bool Equals(PartsKey other) => _kind == other._kind && _parts.AsSpan().SequenceEqual(other._parts);

        public override bool Equals(object? other) => other is PartsKey key && Equals(key);

        public override int GetHashCode()
        {
            HashCode hash = new();
            hash.Add(_kind);
            foreach (Expression part in _parts) hash.Add(part.Id);
            return hash.ToHashCode();
        }
    }
}
