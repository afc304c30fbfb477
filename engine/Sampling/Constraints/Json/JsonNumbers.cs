using System.Globalization;

namespace SmolCluster.Engine.Sampling.Constraints.Json;

/// <summary>An end of a range of numbers.</summary>
internal readonly record struct Bound(decimal Value, bool Exclusive);

/// <summary>JSON's numbers, all of them or those of a range. Within a range they are written plainly, without exponent; integers
/// are always written without fraction.</summary>
internal sealed class JsonNumbers(ExpressionPool pool)
{
    private Expression Digit => pool.Bytes(ByteSet.Range('0', '9'));

    private Expression Digits => pool.Repeat(Digit, 0, Expression.Unbounded);

    private Expression Natural => pool.Choice(Byte('0'), pool.Sequence(pool.Bytes(ByteSet.Range('1', '9')), Digits));

    private Expression Fraction => pool.Sequence(Byte('.'), Digit, Digits);

    public Expression Integer => pool.Sequence(pool.Optional(Byte('-')), Natural);

    public Expression Any => pool.Sequence(pool.Optional(Byte('-')), Natural, pool.Optional(Fraction), pool.Optional(Exponent));

    /// <summary>Numbers that are no integers.</summary>
    public Expression Fractional => pool.Sequence(pool.Optional(Byte('-')), Natural, Byte('.'),
        pool.Repeat(Digit, 0, Expression.Unbounded), pool.Bytes(ByteSet.Range('1', '9')), Digits);

    private Expression Exponent => pool.Sequence(pool.Bytes(ByteSet.Of((byte)'e') | ByteSet.Of((byte)'E')),
        pool.Optional(pool.Bytes(ByteSet.Of((byte)'+') | ByteSet.Of((byte)'-'))), Digit, Digits);

    /// <param name="matcher">Of the same pool.</param>
    /// <param name="integers">Only those; else numbers with or without fraction.</param>
    public Expression Between(Matcher matcher, Bound? least, Bound? most, bool integers)
    {
        Bound zero = new(0, false);
        Expression positive = most is { Value: < 0 } or { Value: 0, Exclusive: true } ? pool.Fail
            : Magnitudes(matcher, least is { Value: >= 0 } ? least.Value : zero, most, integers);
        Bound? largest = least is { } below ? below with { Value = -below.Value } : null;
        Bound smallest = most is { Value: < 0 } above ? above with { Value = -above.Value } : new(0, true);
        Expression negative = least is { Value: >= 0 } ? pool.Fail : Magnitudes(matcher, smallest, largest, integers);
        return pool.Choice(positive, pool.Sequence(Byte('-'), negative));
    }

    private Expression Magnitudes(Matcher matcher, Bound least, Bound? most, bool integers) =>
        most is { } end && end.Value < least.Value ? pool.Fail
            : matcher.All(AtLeast(least, integers), most is { } bound ? AtMost(bound, integers) : pool.Everything);

    private Expression AtLeast(Bound bound, bool integers)
    {
        (string whole, string fraction) = Split(bound.Value);
        Expression any = integers ? pool.Empty : pool.Optional(Fraction);
        List<Expression> parts = [pool.Sequence(pool.Bytes(ByteSet.Range('1', '9')), pool.Repeat(Digit, whole.Length, Expression.Unbounded), any)];
        if (whole == "0") parts.Add(pool.Sequence(pool.Bytes(ByteSet.Range('1', '9')), any));
        for (int i = 0; i < whole.Length && whole != "0"; i++)
            parts.Add(pool.Sequence(Text(whole[..i]), Between(whole[i] + 1, '9'), pool.Repeat(Digit, whole.Length - 1 - i, whole.Length - 1 - i), any));
        bool equalAllowed = !bound.Exclusive && fraction.Length == 0;
        Expression after = integers ? pool.Fail : pool.Sequence(Byte('.'), FractionAbove(fraction, bound.Exclusive));
        parts.Add(pool.Sequence(Text(whole), equalAllowed ? pool.Optional(after) : after));
        return pool.Choice(parts);
    }

    private Expression AtMost(Bound bound, bool integers)
    {
        (string whole, string fraction) = Split(bound.Value);
        Expression any = integers ? pool.Empty : pool.Optional(Fraction);
        List<Expression> parts = [];
        if (whole != "0") parts.Add(pool.Sequence(Byte('0'), any));
        if (whole.Length > 1)
            parts.Add(pool.Sequence(pool.Bytes(ByteSet.Range('1', '9')), pool.Repeat(Digit, 0, whole.Length - 2), any));
        for (int i = 0; i < whole.Length; i++)
            parts.Add(pool.Sequence(Text(whole[..i]), Between(i == 0 ? '1' : '0', whole[i] - 1), pool.Repeat(Digit, whole.Length - 1 - i, whole.Length - 1 - i), any));
        bool equalAllowed = !bound.Exclusive || fraction.Length > 0;
        Expression after = integers ? pool.Fail : pool.Sequence(Byte('.'), FractionBelow(fraction, bound.Exclusive));
        parts.Add(pool.Sequence(Text(whole), equalAllowed ? pool.Optional(after) : after));
        return pool.Choice(parts);
    }

    /// <summary>Fractions of one digit or more that are at least this one, which has no trailing zeros.</summary>
    private Expression FractionAbove(string fraction, bool exclusive)
    {
        Expression more = pool.Sequence(pool.Repeat(Byte('0'), 0, Expression.Unbounded), pool.Bytes(ByteSet.Range('1', '9')), Digits);
        Expression tail = exclusive ? more : Digits;
        if (fraction.Length == 0) return exclusive ? more : pool.Sequence(Digit, Digits);
        for (int i = fraction.Length - 1; i >= 0; i--)
            tail = pool.Choice(pool.Sequence(Byte(fraction[i]), tail), pool.Sequence(Between(fraction[i] + 1, '9'), Digits));
        return tail;
    }

    /// <summary>Fractions of one digit or more that are at most this one, which has no trailing zeros.</summary>
    private Expression FractionBelow(string fraction, bool exclusive)
    {
        Expression zeros = pool.Repeat(Byte('0'), 0, Expression.Unbounded);
        if (fraction.Length == 0) return exclusive ? pool.Fail : pool.Repeat(Byte('0'), 1, Expression.Unbounded);
        Expression tail = exclusive ? pool.Fail : zeros;
        for (int i = fraction.Length - 1; i >= 0; i--)
        {
            // a shorter one with these digits is less, since the last digit is no zero
            Expression same = pool.Sequence(Byte(fraction[i]), i == fraction.Length - 1 ? tail : pool.Optional(tail));
            tail = pool.Choice(same, pool.Sequence(Between('0', fraction[i] - 1), Digits));
        }
        return tail;
    }

    private static (string Whole, string Fraction) Split(decimal value)
    {
        string[] parts = value.ToString("0.############################", CultureInfo.InvariantCulture).Split('.');
        return (parts[0], parts.Length > 1 ? parts[1] : "");
    }

    private Expression Between(int first, int last) => first > last ? pool.Fail : pool.Bytes(ByteSet.Range(first, last));

    private Expression Byte(char value) => pool.Bytes(ByteSet.Of((byte)value));

    private Expression Text(string text) => pool.Literal(System.Text.Encoding.ASCII.GetBytes(text));
}
