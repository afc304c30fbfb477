namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>A set of byte values, 64 to a word.</summary>
internal readonly record struct ByteSet(ulong W0, ulong W1, ulong W2, ulong W3)
{
    public bool IsEmpty => (W0 | W1 | W2 | W3) == 0;

    public static ByteSet Of(byte value) => Range(value, value);

    /// <summary>Both ends included.</summary>
    public static ByteSet Range(int first, int last)
    {
        Span<ulong> words = [0, 0, 0, 0];
        for (int value = first; value <= last; value++) words[value >> 6] |= 1UL << (value & 63);
        return new(words[0], words[1], words[2], words[3]);
    }

    public bool Contains(int value) => ((value >> 6) switch { 0 => W0, 1 => W1, 2 => W2, _ => W3 } >> (value & 63) & 1) != 0;

    public static ByteSet operator |(ByteSet a, ByteSet b) => new(a.W0 | b.W0, a.W1 | b.W1, a.W2 | b.W2, a.W3 | b.W3);

    public static ByteSet operator &(ByteSet a, ByteSet b) => new(a.W0 & b.W0, a.W1 & b.W1, a.W2 & b.W2, a.W3 & b.W3);

    public static ByteSet operator ~(ByteSet a) => new(~a.W0, ~a.W1, ~a.W2, ~a.W3);
}
