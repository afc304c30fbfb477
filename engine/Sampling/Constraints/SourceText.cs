using System.Globalization;

namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>A source while it is read, character by character, with the place for messages.</summary>
internal sealed class SourceText
{
    private readonly int[] _characters;
    private readonly string _what;
    private int _depth;

    /// <param name="what">For messages: "regular expression", "grammar".</param>
    public SourceText(string text, string what)
    {
        _what = what;
        if (text.Length > ConstraintLimits.SourceLength)
            throw new ConstraintException($"The {what} has {text.Length} characters; at most {ConstraintLimits.SourceLength} are possible.");
        _characters = [.. text.EnumerateRunes().Select(static r => r.Value)];
    }

    public int Position { get; set; }

    public bool AtEnd => Position == _characters.Length;

    /// <summary>The next character; -1 at the end.</summary>
    public int Peek => AtEnd ? -1 : _characters[Position];

    public int Next() => AtEnd ? throw Fail("ends too early") : _characters[Position++];

    public bool TryTake(string text)
    {
        if (Position + text.Length > _characters.Length) return false;
        for (int i = 0; i < text.Length; i++)
        {
            if (_characters[Position + i] != text[i]) return false;
        }
        Position += text.Length;
        return true;
    }

    /// <summary>A number of at most nine digits; null: there is none.</summary>
    public int? TryNumber()
    {
        int start = Position;
        while (Peek is >= '0' and <= '9') Position++;
        if (Position == start) return null;
        string digits = Slice(start);
        return digits.Length <= 9 ? int.Parse(digits, CultureInfo.InvariantCulture)
            : throw Fail($"has the count {digits[..9]}…; at most 999999999 is possible");
    }

    /// <summary>Exactly so many hexadecimal digits.</summary>
    public int Hexadecimal(int digits)
    {
        int value = 0;
        for (int i = 0; i < digits; i++)
        {
            int digit = Next();
            if (digit > 'f' || !Uri.IsHexDigit((char)digit)) throw Fail($"needs {digits} hexadecimal digits after this escape");
            value = value * 16 + Convert.ToInt32(((char)digit).ToString(), 16);
        }
        return value;
    }

    public string Slice(int start) => string.Concat(_characters[start..Position].Select(char.ConvertFromUtf32));

    /// <summary>Reads what lies within brackets, if not too deep.</summary>
    public T Within<T>(Func<T> read)
    {
        if (++_depth > ConstraintLimits.Nesting) throw Fail($"has more than {ConstraintLimits.Nesting} brackets within brackets");
        T inner = read();
        _depth--;
        return inner;
    }

    public ConstraintException Fail(string problem) => new($"The {_what} {problem}, at character {Position + 1} of {_characters.Length}.");
}
