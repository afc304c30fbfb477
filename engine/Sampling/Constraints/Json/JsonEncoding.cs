namespace SmolCluster.Engine.Sampling.Constraints.Json;

/// <summary>How characters are written within a JSON string where it matters which they are (names, patterns, values of an enum):
/// each in one way only, so that what is excluded cannot come in under another spelling. As they are, but for what JSON forbids:
/// quote and backslash behind a backslash, \b \f \n \r \t, and \u00XX for the other control characters.</summary>
internal sealed class JsonEncoding(ExpressionPool pool) : TextEncoding(pool)
{
    private const string Short = "\"\\\b\f\n\r\t", Letters = "\"\\bfnrt";

    private static readonly CodePointSet Escaped = CodePointSet.Of((0, 0x1F), ('"', '"'), ('\\', '\\'));

    protected override Expression Write(CodePointSet set)
    {
        List<Expression> parts = [Utf8(set.Except(Escaped))];
        foreach ((int first, int last) in Escaped.Ranges)
        {
            for (int character = first; character <= last; character++)
            {
                if (set.Contains(character)) parts.Add(Pool.Sequence(Byte('\\'), Escape(character)));
            }
        }
        return Pool.Choice(parts);
    }

    private Expression Escape(int character) => Short.IndexOf((char)character) is int place and >= 0 ? Byte(Letters[place])
        : Pool.Sequence(Pool.Literal("u00"u8), Byte(character < 16 ? '0' : '1'), Hexadecimal(character & 15));

    private Expression Hexadecimal(int digit) => digit < 10 ? Byte((char)('0' + digit))
        : Pool.Bytes(ByteSet.Of((byte)('A' + digit - 10)) | ByteSet.Of((byte)('a' + digit - 10)));

    private Expression Byte(char value) => Pool.Bytes(ByteSet.Of((byte)value));
}
