using System.Globalization;
using System.Text;

namespace SmolCluster.Engine.Text;

/// <summary>Cuts text into the words that BPE works on, by the rule that <c>tokenizer.ggml.pre</c> names.
/// <para>The rules are published as regular expressions; they are written out here because .NET's (and with it
/// Microsoft.ML.Tokenizers') see UTF-16 units: \p{L} never matches a letter beyond U+FFFF, such as 𝐀 or 𠮷, so words
/// with those would be cut in other places than in llama.cpp and Hugging Face ("𠮷's" before the s). Written out, the time is also linear
/// for every text. Letter, number and space are the Unicode classes L, N and White_Space.</para></summary>
/// <param name="Name">As in the file.</param>
/// <param name="IsGpt2">GPT-2's rule, else Llama-3's.</param>
/// <param name="LongestNumber">Digits in a word.</param>
/// <param name="IgnoresMerges">A word that is a token is that token, whether or not merges lead to it.</param>
/// <param name="AddsBeginOfText">What holds where the file does not say.</param>
internal sealed record PreTokenizer(string Name, bool IsGpt2, int LongestNumber, bool IgnoresMerges, bool AddsBeginOfText)
{
    public static IReadOnlyList<PreTokenizer> Known { get; } =
    [
        new("llama-bpe", IsGpt2: false, LongestNumber: 3, IgnoresMerges: true, AddsBeginOfText: true),
        new("smaug-bpe", IsGpt2: false, LongestNumber: 3, IgnoresMerges: false, AddsBeginOfText: false),
        new("qwen2", IsGpt2: false, LongestNumber: 1, IgnoresMerges: false, AddsBeginOfText: false),
        new("gpt-2", IsGpt2: true, LongestNumber: int.MaxValue, IgnoresMerges: false, AddsBeginOfText: false),
    ];

    private enum Kind : byte { Other, Letter, Number, Space }

    /// <summary>UTF-16 units of the first word of a text that is not empty; at least 1.</summary>
    public int FirstWord(ReadOnlySpan<char> text)
    {
        int contraction = text[0] == '\'' ? Contraction(text, anyCase: !IsGpt2) : 0;
        return contraction > 0 ? contraction : IsGpt2 ? Gpt2Word(text) : Llama3Word(text);
    }

    /// <summary><c>[^\r\n\p{L}\p{N}]?\p{L}+ | \p{N}{1,3} | ?[^\s\p{L}\p{N}]+[\r\n]* | \s*[\r\n]+ | \s+(?!\S) | \s+</c></summary>
    private int Llama3Word(ReadOnlySpan<char> text)
    {
        Kind kind = KindAt(text, 0, out int length);
        if (kind == Kind.Letter) return Run(text, 0, Kind.Letter);
        if (kind == Kind.Number) return Run(text, 0, Kind.Number, LongestNumber);
        if (text[0] is not ('\r' or '\n') && Is(text, length, Kind.Letter)) return Run(text, length, Kind.Letter);
        int start = text[0] == ' ' ? 1 : 0;
        if (!Is(text, start, Kind.Other)) return Spaces(text, endsAtNewline: true);
        int end = Run(text, start, Kind.Other);
        while (end < text.Length && text[end] is '\r' or '\n') end++;
        return end;
    }

    /// <summary><c> ?\p{L}+ | ?\p{N}+ | ?[^\s\p{L}\p{N}]+ | \s+(?!\S) | \s+</c></summary>
    private static int Gpt2Word(ReadOnlySpan<char> text)
    {
        int start = text[0] == ' ' && text.Length > 1 ? 1 : 0;
        Kind kind = KindAt(text, start, out _);
        return kind == Kind.Space ? Spaces(text, endsAtNewline: false) : Run(text, start, kind);
    }

    /// <summary>White space up to its last line break; else all of it but the last, which goes with the word behind it.</summary>
    private static int Spaces(ReadOnlySpan<char> text, bool endsAtNewline)
    {
        int end = 0, afterNewline = 0;
        for (; end < text.Length && char.IsWhiteSpace(text[end]); end++)
        {
            if (text[end] is '\r' or '\n') afterNewline = end + 1;
        }
        if (endsAtNewline && afterNewline > 0) return afterNewline;
        return end < text.Length && end > 1 ? end - 1 : end;
    }

    /// <summary>'s 't 're 've 'm 'll 'd; 0 where there is none.</summary>
    private static int Contraction(ReadOnlySpan<char> text, bool anyCase)
    {
        char Letter(ReadOnlySpan<char> text, int at) => at >= text.Length ? '\0' : anyCase && char.IsAsciiLetter(text[at]) ? (char)(text[at] | 0x20) : text[at];
        return (Letter(text, 1), Letter(text, 2)) switch
        {
            ('s' or 't' or 'm' or 'd', _) => 2,
            ('r' or 'v', 'e') or ('l', 'l') => 3,
            _ => 0,
        };
    }

    /// <summary>Where a run of one kind that begins at <paramref name="at"/> ends.</summary>
    private static int Run(ReadOnlySpan<char> text, int at, Kind kind, int most = int.MaxValue)
    {
        for (int count = 0; count < most && at < text.Length && KindAt(text, at, out int length) == kind; count++) at += length;
        return at;
    }

    private static bool Is(ReadOnlySpan<char> text, int at, Kind kind) => at < text.Length && KindAt(text, at, out _) == kind;

    private static Kind KindAt(ReadOnlySpan<char> text, int at, out int length)
    {
        char c = text[at];
        length = 1;
        if (char.IsAscii(c))
            return char.IsAsciiLetter(c) ? Kind.Letter : char.IsAsciiDigit(c) ? Kind.Number : char.IsWhiteSpace(c) ? Kind.Space : Kind.Other;
        // half a pair decodes to U+FFFD, as it will be encoded
        Rune.DecodeFromUtf16(text[at..], out Rune rune, out length);
        return Rune.GetUnicodeCategory(rune) switch
        {
            <= UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
            _ => Rune.IsWhiteSpace(rune) ? Kind.Space : Kind.Other,
        };
    }
}
