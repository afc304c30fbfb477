using System.Text;
using System.Text.RegularExpressions;
using SmolCluster.Engine.Text;

namespace SmolCluster.Engine.Tests.Text;

public sealed partial class PreTokenizerTests
{
    [GeneratedRegex(@"'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")]
    private static partial Regex Llama3();

    [GeneratedRegex(@"'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")]
    private static partial Regex Qwen2();

    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")]
    private static partial Regex Gpt2();

    private static List<string> Words(string pre, string text)
    {
        PreTokenizer rule = PreTokenizer.Known.Single(known => known.Name == pre);
        List<string> words = [];
        for (int at = 0; at < text.Length; at += words[^1].Length) words.Add(text.Substring(at, rule.FirstWord(text.AsSpan(at))));
        return words;
    }

    [Theory]
    [InlineData("llama-bpe", "12345", new[] { "123", "45" })]
    [InlineData("qwen2", "123", new[] { "1", "2", "3" })]
    [InlineData("llama-bpe", "I'M we'Re it's", new[] { "I", "'M", " we", "'Re", " it", "'s" })]
    [InlineData("gpt-2", "I'M it's", new[] { "I", "'", "M", " it", "'s" })]
    [InlineData("gpt-2", "a\n\n b  c", new[] { "a", "\n\n", " b", " ", " c" })]
    [InlineData("llama-bpe", "a \n\n  b !\r\n\n", new[] { "a", " \n\n", " ", " b", " !\r\n\n" })]
    [InlineData("llama-bpe", "a\u3000b\u00A0\u00A0", new[] { "a", "\u3000b", "\u00A0\u00A0" })]
    [InlineData("gpt-2", " ", new[] { " " })]
    [InlineData("gpt-2", "٣५ ²x", new[] { "٣५", " ²", "x" })]
    public void FirstWord_KnownTexts_AreCutByTheRule(string pre, string text, string[] expected) => Assert.Equal(expected, Words(pre, text));

    /// <summary>What .NET's regular expressions cannot see: letters and digits of two UTF-16 units.</summary>
    [Theory]
    [InlineData("llama-bpe", "𝐇𝐢 x", new[] { "𝐇𝐢", " x" })]
    [InlineData("llama-bpe", "(𠮷)", new[] { "(𠮷", ")" })]
    [InlineData("llama-bpe", "𠮷's", new[] { "𠮷", "'s" })]
    [InlineData("llama-bpe", "𝟏𝟐𝟑𝟒", new[] { "𝟏𝟐𝟑", "𝟒" })]
    [InlineData("gpt-2", " 𠮷!", new[] { " 𠮷", "!" })]
    [InlineData("gpt-2", "😀a", new[] { "😀", "a" })]
    public void FirstWord_CharactersBeyondTheBasicPlane_AreWhole(string pre, string text, string[] expected) => Assert.Equal(expected, Words(pre, text));

    [Fact]
    public void FirstWord_HalfASurrogatePair_IsNeitherLetterNorSpace() => Assert.Equal(["\uD83Dx", "\uDC00"], Words("llama-bpe", "\uD83Dx\uDC00"));

    [Fact]
    public void FirstWord_RandomTextOfTheBasicPlane_IsCutLikeTheRegularExpression()
    {
        Random random = new(8);
        const string usual = "aZé你 \t\r\n\u00A0\u3000019²٣'''sStTrReEvVlLdDmM.,!-_\u0301";
        for (int round = 0; round < 20_000; round++)
        {
            StringBuilder text = new();
            for (int i = random.Next(16); i > 0; i--)
            {
                char any = (char)random.Next(1, 0xD800);
                text.Append(random.Next(20) == 0 ? any : usual[random.Next(usual.Length)]);
            }
            string all = text.ToString();
            Assert.Equal(Llama3().Matches(all).Select(match => match.Value), Words("llama-bpe", all));
            Assert.Equal(Qwen2().Matches(all).Select(match => match.Value), Words("qwen2", all));
            Assert.Equal(Gpt2().Matches(all).Select(match => match.Value), Words("gpt-2", all));
        }
    }
}
