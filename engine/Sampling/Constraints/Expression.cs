namespace SmolCluster.Engine.Sampling.Constraints;

internal enum ExpressionKind : byte
{
    /// <summary>Nothing matches.</summary>
    Fail,
    /// <summary>The empty text.</summary>
    Empty,
    /// <summary>One byte of a set.</summary>
    Bytes,
    /// <summary>Head, then tail.</summary>
    Sequence,
    /// <summary>Any of the parts.</summary>
    Choice,
    /// <summary>The head, so many times.</summary>
    Repeat,
    /// <summary>A named rule, possibly recursive.</summary>
    Rule,
    /// <summary>All of the parts at once; regular parts only.</summary>
    All,
    /// <summary>Whatever the head does not match; a regular head only.</summary>
    Not,
}

/// <summary>A set of texts, and at the same time a state of the matcher: what may still follow. Immutable; equal ones of one
/// <see cref="ExpressionPool"/> are the same object, so that what is known of a state is kept with it.</summary>
internal sealed class Expression(int id, ExpressionKind kind)
{
    public const int Unbounded = int.MaxValue;

    public int Id { get; } = id;

    public ExpressionKind Kind { get; } = kind;

    /// <summary>Of <see cref="ExpressionKind.Bytes"/>.</summary>
    public ByteSet Bytes { get; init; }

    /// <summary>Of a sequence, a repetition (what is repeated) and a complement.</summary>
    public Expression? Head { get; init; }

    /// <summary>Of a sequence.</summary>
    public Expression? Tail { get; init; }

    /// <summary>Of a choice and an intersection, by ascending id.</summary>
    public Expression[] Parts { get; init; } = [];

    public Rule? Rule { get; init; }

    public int Least { get; init; }

    public int Most { get; init; }

    /// <summary>Whether the empty text matches: as a state, whether the answer may end here.</summary>
    public bool Nullable { get; init; }

    /// <summary>Calls within calls that one step takes.</summary>
    public int Height { get; init; }

    public int Width => Math.Max(1, Parts.Length);

    /// <summary>[byte class] the states after one byte, as far as they were asked for.</summary>
    public Expression?[]? Next;

    /// <summary>Of an intersection: whether any text matches; null: not asked yet.</summary>
    public bool? Live;

    /// <summary>The tokens that may come next, once asked for.</summary>
    public TokenMask? Mask;

    /// <summary>The states after one plain character, once asked for; empty: some plain character is forbidden.</summary>
    public Expression[]? AfterCharacter;

    /// <summary>The last walk that came here.</summary>
    public int Walk;
}

/// <summary>A named part of a grammar.</summary>
internal sealed class Rule(string name)
{
    public string Name { get; } = name;

    /// <summary>Known before <see cref="Body"/> is, which may name this rule.</summary>
    public bool Nullable { get; init; }

    public int Height { get; set; } = 1;

    public Expression Body { get; set; } = null!;
}
