using System.Text.RegularExpressions;
using SmolCluster.Engine.Sampling.Constraints;

namespace SmolCluster.Engine.Tests.Constraints;

public sealed class RegexTests
{
    [Fact]
    public void Mask_TokensOfTheSameBytes_AllowsEachOfThem()
    {
        string[] texts = ["<end>", "\"", "\"", "a", "\"", "a", "b"];
        ConstraintVocabulary vocabulary = new(texts.Length, token => System.Text.Encoding.UTF8.GetBytes(texts[token]), static token => token == 0, static token => token == 0);
        TokenMask mask = new ConstraintCompiler(() => vocabulary).Compile(new(ConstraintKind.Regex, "[\"a]b")).MaskAfter();
        Assert.Equal([1, 2, 3, 4, 5], Enumerable.Range(0, texts.Length).Where(mask.Allows));
    }

    [Theory]
    [InlineData("abc", "abc", "ab|abcd||xabc")]
    [InlineData("a|bc|", "a|bc|", "ab|b")]
    [InlineData("a*b+c?", "b|aab|abbc", "a|ac|bcc")]
    [InlineData("(ab){2,3}", "abab|ababab", "ab|abababab|aba")]
    [InlineData("a{3}", "aaa", "aa|aaaa")]
    [InlineData("a{2,}", "aa|aaaaa", "a")]
    [InlineData("a{,2}", "a{,2}", "aa")]
    [InlineData("[a-c-]+", "a-c|b", "d")]
    [InlineData("[^a-c]", "d|é|🙂", "a|dd")]
    [InlineData(@"\d{3}-\w+\s", "123-a_9 |000-z\t", "123-a|12-a ")]
    [InlineData(@"\u00e9\x41\u{1F642}", "éA🙂", "eA🙂")]
    [InlineData(".", "x|é|🙂", "\n|xx")]
    [InlineData("^a$", "a", "aa")]
    [InlineData("^(a|b$)", "a|b", "c")]
    [InlineData("(?:a|(?<n>b))+?", "abba", "c")]
    [InlineData("(a*)*", "|aaa", "b")]
    [InlineData("^(?=.*[A-Z])(?=.*\\d).{4,}$", "abC4|1234X", "abcd|ABCD|a1B")]
    [InlineData("^(?!no).*$", "yes|nn", "no|nope")]
    [InlineData("[\\u0400-\\u04ff]+", "привет", "privet")]
    public void Accepts_AsTheLanguageSays(string pattern, string matching, string other)
    {
        foreach (Vocabularies vocabulary in new[] { Vocabularies.Bytes, Vocabularies.Demo })
        {
            TokenConstraint constraint = vocabulary.Compile(ConstraintKind.Regex, pattern);
            Assert.All(matching.Split('|'), text => Assert.True(vocabulary.Accepts(constraint, text), text));
            Assert.All(other.Split('|'), text => Assert.False(vocabulary.Accepts(constraint, text), text));
        }
    }

    /// <summary>Random patterns over a small alphabet against .NET's own engine.</summary>
    [Fact]
    public void Accepts_RandomPatterns_AsDotNetDoes()
    {
        Random random = new(17);
        int matching = 0;
        for (int round = 0; round < 150; round++)
        {
            string pattern = Pattern(random, 3);
            TokenConstraint constraint = Vocabularies.Bytes.Compile(ConstraintKind.Regex, pattern);
            Regex expected = new($@"\A(?:{pattern})\z", RegexOptions.ECMAScript | RegexOptions.CultureInvariant);
            for (int i = 0; i < 40; i++)
            {
                string text = new([.. Enumerable.Range(0, random.Next(7)).Select(_ => "abc"[random.Next(3)])]);
                bool matches = expected.IsMatch(text);
                matching += matches ? 1 : 0;
                Assert.True(Vocabularies.Bytes.Accepts(constraint, text) == matches, $"{pattern} and '{text}'");
            }
        }
        Assert.InRange(matching, 500, 5500);
    }

    [Theory]
    [InlineData("(", "without its")]
    [InlineData(")", "without its")]
    [InlineData("a(?<=b)", "looks behind")]
    [InlineData(@"(a)\1", "refers back")]
    [InlineData(@"\bword", "word boundary")]
    [InlineData(@"\p{L}", "by property")]
    [InlineData("a{3,2}", "repeats from 3 to 2")]
    [InlineData("[b-a]", "range")]
    [InlineData("*", "repeats nothing")]
    [InlineData("a++", "possessive")]
    [InlineData("a^b", "begun already")]
    [InlineData("a$b", "goes on")]
    [InlineData("(a|(?=b))c", "looking ahead")]
    [InlineData("[a", "ends too early")]
    [InlineData(@"\y", "unknown")]
    [InlineData("(?=a)b", "No text")]
    [InlineData("a{9999999999}", "at most 999999999")]
    public void Compile_NotSupported_SaysWhat(string pattern, string expected) =>
        Assert.Contains(expected, Assert.Throws<ConstraintException>(() => Vocabularies.Bytes.Compile(ConstraintKind.Regex, pattern)).Message, StringComparison.Ordinal);

    private static string Pattern(Random random, int depth) => random.Next(depth == 0 ? 3 : 8) switch
    {
        0 or 1 => $"{"abc"[random.Next(3)]}",
        2 => random.Next(2) == 0 ? "[ab]" : "[^a]",
        3 => $"(?:{Pattern(random, depth - 1)}|{Pattern(random, depth - 1)})",
        4 => $"(?:{Pattern(random, depth - 1)})*",
        5 => $"(?:{Pattern(random, depth - 1)}){{{random.Next(3)},{random.Next(3, 5)}}}",
        6 => $"(?:{Pattern(random, depth - 1)})?",
        _ => Pattern(random, depth - 1) + Pattern(random, depth - 1),
    };
}
