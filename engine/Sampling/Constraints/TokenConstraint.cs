using System.Diagnostics.CodeAnalysis;

namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>
/// What an answer may be, compiled for one vocabulary: at each place the tokens that keep it possible. A place's state, and so
/// its mask, is a function of the answer's bytes so far and of nothing else: alone or in a batch, drafted or not, from the
/// beginning or going on elsewhere, the same tokens are allowed. States and masks are remembered with the constraint, which all
/// answers share; past a bound of memory they are forgotten and found again. Ending tokens are allowed where the text may end,
/// other control tokens only where the constraint names them. Thread-safe.
/// <para>Measured on Llama-3's 128k tokens: see tests/Benchmarks/Constraints.cs and tests/Engine/Constraints/MaskTimeTests.cs.</para>
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

    /// <summary>Where masks are made that a step should not wait for.</summary>
    internal MaskMaker Maker { get; } = new();

    /// <summary>Memory of states and masks now, in bytes, more or less.</summary>
    internal int CachedBytes { get { lock (_lock) return _matcher.Pool.PassingBytes; } }

    /// <summary>The tokens that may follow an answer; takes some microseconds, or many milliseconds.</summary>
    /// <param name="more">The answer's tokens after the place.</param>
    /// <param name="place">Before them; then after them.</param>
    /// <exception cref="ConstraintException">Finding them would take too long.</exception>
    /// <exception cref="InvalidOperationException">The answer itself does not keep to the constraint.</exception>
    internal TokenMask Mask(ReadOnlySpan<int> more, ref ConstraintPlace place)
    {
        lock (_lock)
        {
            place = After(more, place);
            if (place.State == _matcher.Pool.Fail)
                throw new InvalidOperationException($"The {place.Tokens} tokens of this answer do not keep to its constraint.");
            return place.State!.Mask ??= Make(place.State);
        }
    }

    /// <summary>The same, if all of it is known already and nobody is finding more of it now: a look-up, in microseconds.</summary>
    internal bool TryMask(ReadOnlySpan<int> more, ref ConstraintPlace place, [NotNullWhen(true)] out TokenMask? mask)
    {
        mask = null;
        if (!_lock.TryEnter()) return false;
        try
        {
            bool begins = place.State is null;
            if (!begins && place.Generation != _matcher.Pool.Generation) return false;
            Expression? state = begins ? _start : place.State;
            foreach (int token in more)
            {
                if ((state = _matcher.Known(state!, _vocabulary.Spelled(token))) is null) return false;
            }
            if (state!.Mask is null) return false;
            place = new(_matcher.Pool.Generation, state, place.Tokens + more.Length);
            mask = state.Mask;
            return true;
        }
        finally
        {
            _lock.Exit();
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

    private ConstraintPlace After(ReadOnlySpan<int> more, ConstraintPlace known)
    {
        if (_matcher.Pool.PassingBytes > ConstraintLimits.CacheBytes) _matcher.Pool.Forget();
        Expression state = known.State is null ? _start
            : known.Generation == _matcher.Pool.Generation ? known.State : _matcher.Pool.Adopt(known.State);
        foreach (int token in more)
        {
            ReadOnlySpan<byte> bytes = _vocabulary.Spelled(token);
            state = bytes.IsEmpty ? _matcher.Pool.Fail : _matcher.Step(state, bytes);
        }
        return new(_matcher.Pool.Generation, state, known.Tokens + more.Length);
    }
}

/// <summary>A state that an answer has reached; the default: its beginning.</summary>
/// <param name="Generation">In which the state was not forgotten.</param>
/// <param name="Tokens">Of the answer, that lead there.</param>
internal readonly record struct ConstraintPlace(int Generation, Expression? State, int Tokens);
