using System.Text.Json.Nodes;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Text.Templates;

namespace SmolCluster.Engine.Tests.Templates;

public sealed class ErrorTests
{
    [Theory]
    [InlineData("a\n  {{ x.y }}", 2, 8, "'x' is undefined, so it has no 'y' either")]
    [InlineData("{{ x() }}", 1, 5, "'x' is undefined")]
    [InlineData("{{ 'a' + 1 }}", 1, 8, "'+' does not work on a text and an integer")]
    [InlineData("{{ 1 / 0 }}", 1, 6, "a division by zero")]
    [InlineData("{{ 'a' | nope }}", 1, 10, "there is no filter 'nope'; there are abs, ")]
    [InlineData("{{ 'a' is nope }}", 1, 11, "there is no test 'nope'; there are ")]
    [InlineData("{{ [1].append(2) }}", 1, 14, "'append' would change a list")]
    [InlineData("{% for a, b in [1] %}{% endfor %}", 1, 8, "an integer cannot be iterated")]
    [InlineData("{% for a, b in [[1]] %}{% endfor %}", 1, 8, "1 values cannot be unpacked into 2 names")]
    [InlineData("{% set a.b = 1 %}", 1, 8, "'a' is no namespace")]
    [InlineData("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", 1, 35, "macro 'm' takes at most 1 arguments, not 2")]
    [InlineData("{{ 'a' in 5 }}", 1, 8, "nothing can be in an integer")]
    [InlineData("{{ [1, 'a'] | sort }}", 1, 15, "have no order")]
    [InlineData("\n\n{{ none.x }}{{ none.x.y }}", 3, 23, "none has no attribute 'x', so it has no 'y' either")]
    public void Render_Fault_NamesPlaceAndReason(string source, int line, int column, string message)
    {
        TemplateException thrown = Assert.Throws<TemplateException>(() => TemplateCase.Render(source));
        Assert.Contains(message, thrown.Message, StringComparison.Ordinal);
        Assert.Equal((line, column), (thrown.Line, thrown.Column));
        Assert.StartsWith($"chat template, line {line}, column {column}: ", thrown.Message, StringComparison.Ordinal);
        Assert.False(thrown.IsRaisedByTemplate);
    }

    [Theory]
    [InlineData("{{ 1 +", 1, 1, "this tag is never closed; expected '}}'")]
    [InlineData("a\n{% if x %}b", 2, 4, "'if' is never closed; expected 'endif'")]
    [InlineData("{% endif %}", 1, 4, "'endif' is no block")]
    [InlineData("{% include 'x' %}", 1, 4, "'include' is no block")]
    [InlineData("{% break %}", 1, 4, "'break' stands outside a loop")]
    [InlineData("{{ 'a }}", 1, 4, "this text literal is never closed")]
    [InlineData("{{ (1 }}", 1, 7, "unexpected '}'")]
    [InlineData("{# x", 1, 1, "this comment is never closed")]
    [InlineData("{% raw %} x", 1, 1, "this raw block is never closed")]
    [InlineData("{{ 1 2 }}", 1, 6, "expected an operator or '}}' but found '2'")]
    [InlineData("{{ a ? b }}", 1, 6, "unexpected character '?'")]
    [InlineData("{{ }}", 1, 4, "expected a value but found '}}'")]
    [InlineData("{% for x y %}", 1, 10, "expected 'in' but found 'y'")]
    public void Parse_SyntaxError_NamesPlaceAndReason(string source, int line, int column, string message)
    {
        TemplateException thrown = Assert.Throws<TemplateException>(() => ChatTemplate.Parse(source));
        Assert.Contains(message, thrown.Message, StringComparison.Ordinal);
        Assert.Equal((line, column), (thrown.Line, thrown.Column));
    }

    [Fact]
    public void Render_Fault_ShowsTheLineWithACaret() =>
        Assert.Equal("chat template, line 2, column 8: 'x' is undefined, so it has no 'y' either\n    {{ x.y }} b\n         ^",
            Assert.Throws<TemplateException>(() => TemplateCase.Render("a\n  {{ x.y }} b\nc")).Message);

    [Fact]
    public void Render_RaiseException_PassesItsMessageWordForWord()
    {
        TemplateException thrown = Assert.Throws<TemplateException>(() =>
            TemplateCase.Render("\n{{ raise_exception('Only ' ~ messages[0].role) }}", (JsonObject)JsonNode.Parse("""{"messages":[{"role":"user"}]}""")!));
        Assert.Equal("Only user", thrown.Message);
        Assert.True(thrown.IsRaisedByTemplate);
        Assert.Equal(2, thrown.Line);
    }

    [Fact]
    public void From_ModelFile_RendersAConversation()
    {
        using GgufFile file = GgufFile.Open(TestData.DemoModel);
        var context = (JsonObject)JsonNode.Parse("""{"messages":[{"role":"user","content":"Hello"}],"add_generation_prompt":true}""")!;
        Assert.Contains("Hello", TemplateCase.Join(ChatTemplate.From(file).Render(context, TemplateCase.Now)), StringComparison.Ordinal);
    }
}
