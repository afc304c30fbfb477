namespace SmolCluster.Engine.Sampling.Constraints.Json;

/// <summary>The parts of JSON. White space is what printers write and no more, so that a model cannot go on with it for ever:
/// after a bracket or a comma nothing, a space, or one or two line feeds and up to 40 spaces or tabs; after a colon nothing or a
/// space; elsewhere none.</summary>
internal sealed class JsonGrammar
{
    private const int MostIndent = 40;

    private readonly Rule _any = new("any JSON value");

    public JsonGrammar(ExpressionPool pool)
    {
        Pool = pool;
        Encoding = new JsonEncoding(pool);
        Comma = pool.Literal(","u8);
        Space = pool.Choice(pool.Empty, pool.Literal(" "u8), pool.Sequence(
            pool.Repeat(pool.Literal("\n"u8), 1, 2), pool.Repeat(pool.Bytes(ByteSet.Of((byte)' ') | ByteSet.Of((byte)'\t')), 0, MostIndent)));
        Colon = pool.Literal(":"u8);
        Character = AnyCharacter();
        AnyString = Quoted(pool.Repeat(Character, 0, Expression.Unbounded));
        Numbers = new JsonNumbers(pool);
        AnyValue = pool.Reference(_any);
        AnyObject = Object(Member(AnyString, AnyValue), 0, Expression.Unbounded);
        _any.Body = pool.Choice(AnyObject, Array([], AnyValue, 0, Expression.Unbounded), AnyString, Numbers.Any,
            pool.Literal("true"u8), pool.Literal("false"u8), pool.Literal("null"u8));
    }

    public ExpressionPool Pool { get; }

    public JsonEncoding Encoding { get; }

    public JsonNumbers Numbers { get; }

    public Expression Space { get; }

    public Expression Comma { get; }

    public Expression Colon { get; }

    /// <summary>One character of a string in any of JSON's spellings; no half of a surrogate pair.</summary>
    public Expression Character { get; }

    public Expression AnyString { get; }

    public Expression AnyValue { get; }

    public Expression AnyObject { get; }

    public Expression Quoted(Expression characters) => Pool.Sequence(Pool.Literal("\""u8), characters, Pool.Literal("\""u8));

    public Expression Member(Expression name, Expression value) =>
        Pool.Sequence(name, Colon, Pool.Optional(Pool.Literal(" "u8)), value);

    /// <summary>So many members, all alike.</summary>
    public Expression Object(Expression member, int least, int most) => Braces(least == 0,
        most == 0 ? Pool.Fail : Pool.Sequence(member, Further(member, least - 1, Without(most, 1))));

    /// <param name="members">One or more of them, with their commas.</param>
    public Expression Braces(bool mayBeEmpty, Expression members) => Brackets("{"u8, mayBeEmpty, members, "}"u8);

    /// <param name="first">The first elements, each its own.</param>
    /// <param name="other">All elements after them.</param>
    public Expression Array(IReadOnlyList<Expression> first, Expression other, int least, int most)
    {
        Expression after = Further(other, least - first.Count, Without(most, first.Count));
        for (int count = first.Count; count > 0; count--)
        {
            Expression element = Pool.Sequence(count == 1 ? Pool.Empty : Pool.Sequence(Comma, Space), first[count - 1],
                count > most ? Pool.Fail : after);
            after = count == 1 || count - 1 < least ? element : Pool.Choice(element, Pool.Empty);
        }
        if (first.Count == 0) after = most == 0 ? Pool.Fail : Pool.Sequence(other, Further(other, least - 1, Without(most, 1)));
        return Brackets("["u8, least == 0, after, "]"u8);
    }

    /// <summary>More elements, each after a comma.</summary>
    private Expression Further(Expression element, int least, int most) =>
        most < 0 ? Pool.Empty : Pool.Repeat(Pool.Sequence(Comma, Space, element), Math.Max(0, least), most);

    private static int Without(int most, int count) => most == Expression.Unbounded ? most : most - count;

    private Expression Brackets(ReadOnlySpan<byte> open, bool mayBeEmpty, Expression inner, ReadOnlySpan<byte> close)
    {
        Expression filled = Pool.Sequence(inner, Space);
        return Pool.Sequence(Pool.Literal(open), Space, mayBeEmpty ? Pool.Optional(filled) : filled, Pool.Literal(close));
    }

    private Expression AnyCharacter()
    {
        ByteSet digits = ByteSet.Range('0', '9'), lower = ByteSet.Range('a', 'f'), upper = ByteSet.Range('A', 'F');
        Expression any = Pool.Bytes(digits | lower | upper), d = Pool.Bytes(ByteSet.Of((byte)'d') | ByteSet.Of((byte)'D'));
        Expression low = Pool.Bytes(ByteSet.Range('0', '7')), backslashU = Pool.Literal("\\u"u8);
        Expression notD = Pool.Bytes(digits | (lower | upper) & ~(ByteSet.Of((byte)'d') | ByteSet.Of((byte)'D')));
        Expression first = Pool.Sequence(d, Pool.Bytes(ByteSet.Range('8', '9') | ByteSet.Range('a', 'b') | ByteSet.Range('A', 'B')), any, any);
        Expression second = Pool.Sequence(d, Pool.Bytes(ByteSet.Range('c', 'f') | ByteSet.Range('C', 'F')), any, any);
        return Pool.Choice(
            Encoding.Character(CodePointSet.Of((0, 0x1F), ('"', '"'), ('\\', '\\')).Complement()),
            Pool.Sequence(Pool.Literal("\\"u8), Pool.Choice("\"\\/bfnrt".Select(c => Pool.Bytes(ByteSet.Of((byte)c))))),
            Pool.Sequence(backslashU, Pool.Choice(Pool.Sequence(notD, any, any, any), Pool.Sequence(d, low, any, any))),
            Pool.Sequence(backslashU, first, backslashU, second));
    }
}
