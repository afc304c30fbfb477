namespace SmolCluster.Engine.Text;

/// <summary>How byte-level vocabularies write bytes as visible characters: printable Latin-1 stands for itself, the other 68
/// bytes take the characters from U+0100 on in order (a space is Ġ, a line feed Ċ). All 256 are different.</summary>
internal static class ByteAlphabet
{
    private const int Shifted = 256;
    private static readonly char[] Chars = BuildChars();
    private static readonly short[] Bytes = BuildBytes();

    /// <summary>The character that stands for the byte.</summary>
    public static char CharOf(byte value) => Chars[value];

    /// <summary>The byte that the character stands for, or -1.</summary>
    private static int ByteOf(char character) => character < Bytes.Length ? Bytes[character] : -1;

    /// <summary>Writes the bytes that the text stands for; -1, or the index of the first character that stands for none.</summary>
    /// <param name="bytes">At least as long as the text.</param>
    public static int ToBytes(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        for (int i = 0; i < text.Length; i++)
        {
            int value = ByteOf(text[i]);
            if (value < 0) return i;
            bytes[i] = (byte)value;
        }
        return -1;
    }

    private static bool StandsForItself(int value) => value is (>= 33 and <= 126) or (>= 161 and <= 172) or (>= 174 and <= 255);

    private static char[] BuildChars()
    {
        char[] chars = new char[256];
        int next = Shifted;
        for (int value = 0; value < chars.Length; value++) chars[value] = StandsForItself(value) ? (char)value : (char)next++;
        return chars;
    }

    private static short[] BuildBytes()
    {
        short[] bytes = new short[Chars.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (int value = 0; value < 256; value++) bytes[Chars[value]] = (short)value;
        return bytes;
    }
}
