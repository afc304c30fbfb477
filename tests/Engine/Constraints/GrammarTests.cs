using SmolCluster.Engine.Sampling.Constraints;

namespace SmolCluster.Engine.Tests.Constraints;

public sealed class GrammarTests
{
    private const string Arithmetic = """
        # sums and products, with brackets
        root  ::= term (("+" | "-") term)*
        term  ::= factor ( "*" factor )*
        factor ::= [0-9]+ | "(" root ")"
        """;

    private const string Chess = """
        root ::= "1. " move " " move "\n" ([1-9] [0-9]? ". " move " " move "\n")*
        move ::= (pawn | piece | "O-O" "-O"?) [+#]?
        piece ::= [NBKQR] [a-h]? [1-8]? "x"? square
        pawn ::= ([a-h] "x")? square ("=" [NBKQR])?
        square ::= [a-h] [1-8]
        """;

    [Theory]
    [InlineData(Arithmetic, "1|1+2*3|(1)|((1-2)*3)+4", "|1+|(1|1)|a|1 + 2")]
    [InlineData(Chess, "1. e4 e5\n|1. e4 e5\n2. Nf3 Nc6\n|1. O-O O-O-O+\n", "1. e4\n|1. i4 e5\n|1. e4 e5")]
    [InlineData("root ::= \"a\" root \"b\" | \"\"", "|ab|aaabbb", "aab|abb|ba")]
    [InlineData("root ::= x{2,3} \"\\x41\" [^\\n]\nx ::= .", "éxAz|xyzA🙂", "xAz|xyA\n")]
    [InlineData("root ::= (\n  \"a\" |\n  \"b\"\n)+ # end", "abba", "|c")]
    public void Accepts_AsTheGrammarSays(string grammar, string matching, string other)
    {
        foreach (Vocabularies vocabulary in new[] { Vocabularies.Bytes, Vocabularies.Demo })
        {
            TokenConstraint constraint = vocabulary.Compile(ConstraintKind.Grammar, grammar);
            Assert.All(matching.Split('|'), text => Assert.True(vocabulary.Accepts(constraint, text), text));
            Assert.All(other.Split('|'), text => Assert.False(vocabulary.Accepts(constraint, text), text));
        }
    }

    [Theory]
    [InlineData("", "no rule 'root'")]
    [InlineData("root ::= a", "no rule 'a'")]
    [InlineData("root ::= root \"a\" | \"b\"", "begins with itself")]
    [InlineData("root ::= a \"x\"\na ::= b?  c\nb ::= \"y\"\nc ::= root | \"z\"", "begins with itself")]
    [InlineData("root ::= \"a\" root", "has no end")]
    [InlineData("root ::= \"a", "does not end on its line")]
    [InlineData("root ::= (\"a\"", "without its")]
    [InlineData("root ::= \"a\" )", "something else")]
    [InlineData("root ::= \"\\q\"", "unknown")]
    [InlineData("root ::= \"a\"\nroot ::= \"b\"", "twice")]
    [InlineData("root = \"a\"", "::=")]
    [InlineData("root ::= \"a\"{3,1}", "count")]
    public void Compile_Malformed_SaysWhat(string grammar, string expected) =>
        Assert.Contains(expected, Assert.Throws<ConstraintException>(() => Vocabularies.Bytes.Compile(ConstraintKind.Grammar, grammar)).Message, StringComparison.Ordinal);

    [Fact]
    public void Choice_Texts_AndNothingElse()
    {
        TokenConstraint constraint = Vocabularies.Demo.Compile(ConstraintKind.Choice, """["yes","no","not sure","né \" 🙂"]""");
        Assert.All(["yes", "no", "not sure", "né \" 🙂"], text => Assert.True(Vocabularies.Demo.Accepts(constraint, text)));
        Assert.All(["", "ye", "yess", "not"], text => Assert.False(Vocabularies.Demo.Accepts(constraint, text)));
    }

    [Fact]
    public void Mask_ControlTokens_NeverAndEndingsOnlyAtAnEnd()
    {
        TokenConstraint constraint = Vocabularies.Bytes.Compile(ConstraintKind.Regex, "[\\s\\S]{2}");
        for (int token = 256; token < 262; token++)
        {
            Assert.False(constraint.MaskAfter().Allows(token));
            Assert.Equal(Vocabularies.Bytes.Endings.Contains(token), constraint.MaskAfter('a', 'b').Allows(token));
        }
        Assert.Equal(1, constraint.MaskAfter('a', 'b').Count);
    }

    [Theory]
    [InlineData(Thinking.None, "yes", "<think>so</think>yes|so</think>yes")]
    [InlineData(Thinking.Possible, "yes|<think>so, <b>\n</thin {]</think>yes|<think></think>\n\nno", "<think>so</think>|<think>so|so</think>yes|<think>a<think>b</think>yes")]
    [InlineData(Thinking.Begun, "so</think>yes|</think>no", "yes|<think>so</think>yes")]
    public void Compile_Thinking_ComesBeforeTheAnswer(Thinking thinking, string matching, string other)
    {
        TokenConstraint constraint = Vocabularies.Bytes.Compile(ConstraintKind.Choice, """["yes","no"]""", thinking);
        Assert.All(matching.Split('|'), text => Assert.True(Vocabularies.Bytes.Accepts(constraint, text), text));
        Assert.All(other.Split('|'), text => Assert.False(Vocabularies.Bytes.Accepts(constraint, text), text));
    }

    [Theory]
    [InlineData(false, true, "Hello|It <tool> is <tool_call>{\"name\": \"f\", \"arguments\": {\"x\": 1}}</tool_call>|<tool_call>\n{\"name\":\"g\",\"arguments\":{\"y\":[]}}\n</tool_call>\n<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>",
        "<tool_call>{}</tool_call>|<tool_call>{\"name\": \"h\", \"arguments\": {}}</tool_call>|<tool_call>{\"name\": \"f\", \"arguments\": {\"x\": \"1\"}}</tool_call>|<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call> and more")]
    [InlineData(true, false, "<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>",
        "Hello|<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call><tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>")]
    public void ToolCalls_TextOrCallsByTheirSchemas(bool required, bool parallel, string matching, string other)
    {
        string source = $$$"""
            {"required": {{{(required ? "true" : "false")}}}, "parallel": {{{(parallel ? "true" : "false")}}}, "tools": [
              {"name": "f", "parameters": "{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}},\"additionalProperties\":false}"},
              {"name": "g", "parameters": null}]}
            """;
        TokenConstraint constraint = Vocabularies.Bytes.Compile(ConstraintKind.ToolCalls, source);
        Assert.All(matching.Split('|'), text => Assert.True(Vocabularies.Bytes.Accepts(constraint, text), text));
        Assert.All(other.Split('|'), text => Assert.False(Vocabularies.Bytes.Accepts(constraint, text), text));
    }
}
