using System.Text;
using SmolCluster.Engine.Sampling.Constraints;

namespace SmolCluster.Engine.Tests.Constraints;

/// <summary>Sources made to take all time, memory or stack: each is refused, or works within the bounds of <see cref="ConstraintLimits"/>.</summary>
public sealed class AttackTests
{
    [Fact]
    public void Compile_SixtyThousandParentheses_IsRefused()
    {
        string open = new('(', 60_000), close = new(')', 60_000);
        Assert.Contains("brackets within brackets", Refused(ConstraintKind.Regex, open + "a" + close), StringComparison.Ordinal);
        Assert.Contains("brackets within brackets", Refused(ConstraintKind.Grammar, $"root ::= {open} \"a\" {close}"), StringComparison.Ordinal);
        Assert.Contains("brackets within brackets", Refused(ConstraintKind.JsonSchema, $$"""{"pattern":"{{open}}a{{close}}"}"""), StringComparison.Ordinal);
    }

    [Fact]
    public void Compile_DeepSchemas_AreRefused()
    {
        StringBuilder deep = new("true");
        for (int i = 0; i < 5000; i++) deep.Insert(0, "{\"not\":").Append('}');
        Assert.Contains("levels", Refused(ConstraintKind.JsonSchema, deep.ToString()), StringComparison.Ordinal);
        string chain = string.Join(',', Enumerable.Range(0, 5000).Select(static i => $"\"d{i}\":{{\"$ref\":\"#/$defs/d{i + 1}\"}}"));
        Assert.Contains("references lead to each other", Refused(ConstraintKind.JsonSchema, "{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + chain + ",\"d5000\":{}}}"), StringComparison.Ordinal);
    }

    [Fact]
    public void Compile_LongSources_AreRefused()
    {
        string text = new('a', ConstraintLimits.SourceLength + 1);
        Assert.Contains("at most", Refused(ConstraintKind.Regex, text), StringComparison.Ordinal);
        Assert.Contains("at most", Refused(ConstraintKind.Grammar, text), StringComparison.Ordinal);
        Assert.Contains("at most", Refused(ConstraintKind.JsonSchema, text), StringComparison.Ordinal);
    }

    [Fact]
    public void Compile_AlternativesOfAlternatives_AreRefused()
    {
        string all = string.Join(',', Enumerable.Range(0, 40).Select(static i => $$"""{"anyOf":[{"required":["a{{i}}"]},{"required":["b{{i}}"]}]}"""));
        Assert.Contains("combine in more than", Refused(ConstraintKind.JsonSchema, $$"""{"type":"object","allOf":[{{all}}]}"""), StringComparison.Ordinal);
    }

    [Fact]
    public void Accepts_RulesThatDoubleSixtyTimes_AreNeverWrittenOut()
    {
        string rules = string.Join('\n', Enumerable.Range(0, 60).Select(static i => $"r{i} ::= r{i + 1} r{i + 1}"));
        TokenConstraint constraint = Vocabularies.Bytes.Compile(ConstraintKind.Grammar, $"root ::= r0\n{rules}\nr60 ::= \"a\"");
        AssertWalks(constraint, new string('a', 500));
        string nullable = string.Join('\n', Enumerable.Range(0, 60).Select(static i => $"r{i} ::= r{i + 1} r{i + 1}"));
        constraint = Vocabularies.Bytes.Compile(ConstraintKind.Grammar, $"root ::= r0\n{nullable}\nr60 ::= \"a\"?");
        Assert.True(Vocabularies.Bytes.Accepts(constraint, "aaa"));
    }

    [Theory]
    [InlineData("a{1000000000}")]
    [InlineData("a{999999999}")]
    [InlineData("((a{99999}){99999}){99999}")]
    [InlineData("(a{0,99999}){0,99999}")]
    [InlineData("(a+)+(b+)+")]
    [InlineData("(a|a)*b")]
    [InlineData("(a*)*(a*)*(a*)*b")]
    [InlineData("(a?){500}a{500}")]
    [InlineData("(.*a){20}")]
    [InlineData("(a|b)*a(a|b){300}")]
    [InlineData("([a-z]{1,200}[0-9a-z]{1,200}){1,200}")]
    [InlineData("^(?=.*a.*a.*a)(?=.*b.*b.*b)(?!.*c{50}).{1,500}$")]
    public void Masks_CatastrophicPatterns_WorkOrAreRefused(string pattern)
    {
        foreach (Vocabularies vocabulary in new[] { Vocabularies.Bytes, Vocabularies.Demo })
        {
            try
            {
                TokenConstraint constraint = vocabulary.Compile(ConstraintKind.Regex, pattern);
                AssertWalks(constraint, new string('a', 100), vocabulary);
            }
            catch (ConstraintException refusal)
            {
                Assert.NotEmpty(refusal.Message);
            }
        }
    }

    [Fact]
    public void Compile_ManyOptionalProperties_WorkOrAreRefused()
    {
        TokenConstraint constraint = Vocabularies.Demo.Compile(ConstraintKind.JsonSchema, Optional(200));
        Assert.True(Vocabularies.Demo.Accepts(constraint, """{"p7": 1, "p150": 2, "other": 3}"""));
        Assert.False(Vocabularies.Demo.Accepts(constraint, """{"p150": 2, "p7": 1}"""));
        Assert.Contains("alternatives are open", Refused(ConstraintKind.JsonSchema, Optional(5000)), StringComparison.Ordinal);
    }

    [Fact]
    public void Masks_LongAnswers_KeepWithinTheirMemory()
    {
        TokenConstraint constraint = Vocabularies.Demo.Compile(ConstraintKind.JsonSchema, """{"type":"array","items":{"type":"string","maxLength":100000}}""");
        int[] tokens = Vocabularies.Demo.Encode("[\"" + string.Concat(Enumerable.Range(0, 6000).Select(static i => $"word{i} ")) + "\"]");
        ConstraintPlace place = default;
        for (int i = 0; i < tokens.Length; i++)
        {
            Assert.True(constraint.Mask(tokens.AsSpan(place.Tokens..i), ref place).Allows(tokens[i]));
            Assert.InRange(constraint.CachedBytes, 0, 2 * ConstraintLimits.CacheBytes); // one mask may take it past the bound
        }
        Assert.True(Vocabularies.Demo.Accepts(constraint, "[\"a\"]"));
    }

    private static string Optional(int count) =>
        "{\"type\":\"object\",\"properties\":{" + string.Join(',', Enumerable.Range(0, count).Select(static i => $"\"p{i}\":{{\"type\":\"integer\"}}")) + "}}";

    private static string Refused(ConstraintKind kind, string source) =>
        Assert.Throws<ConstraintException>(() => Vocabularies.Bytes.Compile(kind, source)).Message;

    private static void AssertWalks(TokenConstraint constraint, string text, Vocabularies? vocabulary = null)
    {
        int[] tokens = (vocabulary ?? Vocabularies.Bytes).Encode(text);
        int allowed = constraint.Allowed(tokens);
        if (allowed < tokens.Length)
            Assert.Throws<ConstraintException>(() => constraint.MaskAfter(tokens[..allowed])); // too costly from here on
    }
}
