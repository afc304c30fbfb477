namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>
/// What an answer may be, compiled for one vocabulary: at each place the tokens that keep it possible. A place's state, and so
/// its mask, is a function of the answer's bytes so far and of nothing else: alone or in a batch, drafted or not, from the
/// beginning or going on elsewhere, the same tokens are allowed. States and masks are remembered with the constraint, which all
/// answers share; past a bound of memory they are forgotten and found again. Ending tokens are allowed where the text may end,
/// other control tokens only where the constraint names them. Thread-safe.
/// <para>Measured on Llama-3's 128k tokens: see tests/Benchmarks/Constraints.cs.</para>
/// </summary>
public sealed class TokenConstraint
{
    private readonly Lock _lock = new();
    private readonly ConstraintVocabulary _vocabulary;
    private readonly Matcher _matcher;
    private readonly PlainText _plain;
    private readonly Expression _start;
    private readonly Expression[] _path = new Expression[512];
    private int _walks;

    internal TokenConstraint(ConstraintVocabulary vocabulary, Matcher matcher, Expression start)
    {
        (_vocabulary, _matcher, _start) = (vocabulary, matcher, start);
        _plain = new PlainText(matcher);
        matcher.Pool.Seal();
        matcher.Pool.Forget();
    }

    internal int VocabularyLength => _vocabulary.Length;

    /// <summary>Memory of states and masks now, in bytes, more or less.</summary>
    internal int CachedBytes { get { lock (_lock) return _matcher.Pool.PassingBytes; } }

    /// <summary>Where an answer stands after these tokens.</summary>
    /// <param name="known">A place of the same answer, after the first of the tokens.</param>
    internal ConstraintPlace After(ReadOnlySpan<int> answer, ConstraintPlace known)
    {
        lock (_lock)
        {
            return Find(answer, known);
        }
    }

    /// <summary>The tokens that may follow this answer.</summary>
    /// <exception cref="ConstraintException">Finding them would take too long.</exception>
    /// <exception cref="InvalidOperationException">The answer itself does not keep to the constraint.</exception>
    internal TokenMask Mask(ReadOnlySpan<int> answer, ConstraintPlace known)
    {
        lock (_lock)
        {
            ConstraintPlace place = Find(answer, known);
            if (place.State == _matcher.Pool.Fail)
                throw new InvalidOperationException($"The {answer.Length} tokens of this answer do not keep to its constraint.");
            return place.State!.Mask ??= Make(place.State);
        }
    }

    /// <summary>Whether the text is one that an answer may be, from beginning to end.</summary>
    internal bool Matches(ReadOnlySpan<byte> text)
    {
        lock (_lock)
        {
            return _matcher.Step(_start, text).Nullable;
        }
    }

    /// <summary>All states, as if no answer had been.</summary>
    internal void Forget()
    {
        lock (_lock)
        {
            _matcher.Pool.Forget();
        }
    }

    private TokenMask Make(Expression state)
    {
        TokenMask mask = _vocabulary.Mask(state, _plain, ++_walks, _path);
        _matcher.Pool.PassingBytes += mask.Bytes;
        return mask;
    }

    private ConstraintPlace Find(ReadOnlySpan<int> answer, ConstraintPlace known)
    {
        if (_matcher.Pool.PassingBytes > ConstraintLimits.CacheBytes) _matcher.Pool.Forget();
        if (known.State is null) known = new(_matcher.Pool.Generation, _start, 0);
        else if (known.Generation != _matcher.Pool.Generation) known = known with { Generation = _matcher.Pool.Generation, State = _matcher.Pool.Adopt(known.State) };
        Expression state = known.State!;
        foreach (int token in answer[known.Tokens..])
        {
            ReadOnlySpan<byte> bytes = _vocabulary.Spelled(token);
            state = bytes.IsEmpty ? _matcher.Pool.Fail : _matcher.Step(state, bytes);
        }
        return known with { State = state, Tokens = answer.Length };
    }
}

/// <summary>A state that an answer has reached; the default: its beginning.</summary>
/// <param name="Generation">In which the state was not forgotten.</param>
/// <param name="Tokens">Of the answer, that lead there.</param>
internal readonly record struct ConstraintPlace(int Generation, Expression? State, int Tokens);
