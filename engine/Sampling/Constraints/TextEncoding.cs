namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>How characters are written in an answer: as UTF-8.</summary>
internal class TextEncoding(ExpressionPool pool)
{
    private readonly Dictionary<CodePointSet, Expression> _known = [];

    public ExpressionPool Pool { get; } = pool;

    /// <summary>One character of the set.</summary>
    public Expression Character(CodePointSet set)
    {
        if (!_known.TryGetValue(set, out Expression? one)) _known[set] = one = Write(set);
        return one;
    }

    public Expression Text(string text)
    {
        Expression written = Pool.Empty;
        foreach (int character in text.EnumerateRunes().Reverse().Select(static r => r.Value))
            written = Pool.Sequence(Character(CodePointSet.Of(character)), written);
        return written;
    }

    protected virtual Expression Write(CodePointSet set) => Utf8(set);

    /// <summary>The bytes of the set's characters, with what they begin with in common written once.</summary>
    protected Expression Utf8(CodePointSet set) => Pool.Choice(set.Ranges
        .SelectMany(static range => ByteRanges(range.First, range.Last))
        .Select(ranges => ranges.Reverse().Aggregate(Pool.Empty, (tail, range) => Pool.Sequence(Pool.Bytes(ByteSet.Range(range.First, range.Last)), tail))));

    /// <summary>A range of characters as ranges of bytes, one for each place; several where the places depend on each other.</summary>
    private static IEnumerable<(int First, int Last)[]> ByteRanges(int first, int last)
    {
        foreach (int end in (int[])[0x7F, 0x7FF, 0xFFFF])
        {
            if (first <= end && last > end)
                return ByteRanges(first, end).Concat(ByteRanges(end + 1, last));
        }
        for (int place = 1; place < Length(first); place++)
        {
            int mask = (1 << 6 * place) - 1;
            if ((first & ~mask) == (last & ~mask)) continue;
            if ((first & mask) != 0) return ByteRanges(first, first | mask).Concat(ByteRanges((first | mask) + 1, last));
            if ((last & mask) != mask) return ByteRanges(first, (last & ~mask) - 1).Concat(ByteRanges(last & ~mask, last));
        }
        Span<byte> low = stackalloc byte[4], high = stackalloc byte[4];
        int length = new System.Text.Rune(first).EncodeToUtf8(low);
        new System.Text.Rune(last).EncodeToUtf8(high);
        var ranges = new (int, int)[length];
        for (int i = 0; i < length; i++) ranges[i] = (low[i], high[i]);
        return [ranges];
    }

    private static int Length(int character) => character <= 0x7F ? 1 : character <= 0x7FF ? 2 : character <= 0xFFFF ? 3 : 4;
}
