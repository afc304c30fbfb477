using System.Diagnostics;
using System.Text.Json.Nodes;
using SmolCluster.Engine.Text.Templates;

namespace SmolCluster.Engine.Tests.Templates;

public sealed class LimitTests
{
    public static TheoryData<string> HostileSyntax =>
    [
        "{{ " + new string('(', 60_000),
        "{{ " + new string('(', 60_000) + "1" + new string(')', 60_000) + " }}",
        "{{ " + new string('[', 60_000),
        "{{ " + string.Concat(Enumerable.Repeat("{1:", 30_000)),
        "{{ " + string.Concat(Enumerable.Repeat("not ", 60_000)) + "1 }}",
        "{{ " + new string('-', 60_000) + "1 }}",
        "{{ " + string.Concat(Enumerable.Repeat("1 if 1 else ", 20_000)) + "1 }}",
        "{{ " + string.Concat(Enumerable.Repeat("f(", 60_000)),
        "{{ " + string.Concat(Enumerable.Repeat("x is a ", 30_000)),
        string.Concat(Enumerable.Repeat("{% if 1 %}", 20_000)),
        string.Concat(Enumerable.Repeat("{% for x in y %}", 15_000)),
        "{% set " + new string('(', 60_000),
        new string('x', 300 * 1024),
    ];

    [Theory]
    [MemberData(nameof(HostileSyntax))]
    public void Parse_NestedBeyondTheLimit_IsRefused(string source) =>
        Assert.Throws<TemplateException>(() => ChatTemplate.Parse(source));

    public static TheoryData<string> HostilePrograms =>
    [
        "{{ 1" + string.Concat(Enumerable.Repeat(" + 1", 50_000)) + " }}",
        "{{ x" + string.Concat(Enumerable.Repeat("|string", 30_000)) + " }}",
        "{{ 'a' * 10**9 }}",
        "{{ '' * 10**9 ~ [] * 10**9 }}{{ [1] * 10**9 }}",
        "{{ 10 ** (10 ** 10) }}",
        "{{ 9 ** 400 }}",
        "{% set ns = namespace(t='a') %}{% for i in range(100) %}{% set ns.t = ns.t + ns.t %}{% endfor %}",
        "{% set ns = namespace(t='a') %}{% for i in range(100) %}{% set ns.t %}{{ ns.t }}{{ ns.t }}{% endset %}{% endfor %}",
        "{% set ns = namespace(t='a'*1000) %}{% for i in range(100) %}{% set ns.t = ns.t.replace('a', ns.t[:500]) %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(100000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(100) %}{% set ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}",
        "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% for a in range(100000) %}{{ 'x' * 1000 }}{% endfor %}",
        "{{ range(10**6) }}",
        "{{ range(10**30) }}",
        "{{ '%999999999s' % 'a' }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ 'a'.center(10**9) }}{{ 'a' | center(10**9) }}",
        "{{ [[1]] | tojson(indent='x' * 10**6) }}{{ ('a\n' * 10**6) | indent(10**6) }}",
        "{% set t = 'ab' * 2000000 %}{% for i in range(100000) %}{{ t.upper() | length }}{{ t.find('ba' * 1000 + 'x') }}{% endfor %}",
        "{% set t = 'a' * 4000000 %}{% for i in range(1000) %}{{ t.count('a') }}{{ t.split('a') | length }}{% endfor %}",
        "{% set t = ' ' * 4000000 %}{% for i in range(100000) %}{{ t.strip() }}{% endfor %}",
        "{% set t = '%d' * 4000000 %}{{ t | format(*range(100000)) }}",
    ];

    [Theory]
    [MemberData(nameof(HostilePrograms))]
    public void Render_BeyondALimit_IsRefusedSoon(string source)
    {
        ChatTemplate template = ChatTemplate.Parse(source);
        var watch = Stopwatch.StartNew();
        Assert.Throws<TemplateException>(() => template.Render([], TemplateCase.Now));
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(30));
    }

    [Fact]
    public void Render_NamespaceThatHoldsItself_Prints() =>
        Assert.Equal("<namespace>True", TemplateCase.Render("{% set ns = namespace() %}{% set ns.a = ns %}{{ ns.a.a }}{{ ns == ns.a }}"));

    [Fact]
    public void Render_OnASmallStack_IsRefusedNotFatal()
    {
        ChatTemplate template = ChatTemplate.Parse("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}");
        Exception? thrown = null;
        var thread = new Thread(() => thrown = Record.Exception(() => template.Render([], TemplateCase.Now)), 256 * 1024);
        thread.Start();
        thread.Join();
        Assert.IsType<TemplateException>(thrown);
    }

    [Theory]
    [InlineData("""{"a": {"x": 1, "x": 2}}""", "same key twice")]
    [InlineData("""{"x": 1, "x": 2}""", "same key twice")]
    public void Render_RepeatedKeyInTheRequest_IsRefused(string json, string expected) =>
        Assert.Contains(expected, Assert.Throws<TemplateException>(() => TemplateCase.Render("{{ a }}", JsonNode.Parse(json)!.AsObject())).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Render_HugeIntegerOrDepthInTheRequest_IsRefused()
    {
        Assert.Throws<TemplateException>(() => TemplateCase.Render("", (JsonObject)JsonNode.Parse($$"""{"a": {{new string('9', 1_000_000)}}}""")!));
        JsonNode deep = new JsonArray();
        for (int i = 0; i < 5000; i++)
            deep = new JsonArray(deep);
        Assert.Throws<TemplateException>(() => TemplateCase.Render("", new JsonObject { ["a"] = deep }));
    }

    [Fact]
    public void Render_FromManyThreads_GivesTheSameText()
    {
        TemplateCase found = TemplateCase.Find("chat.json", "Qwen/Qwen2.5-7B-Instruct");
        ChatTemplate template = ChatTemplate.Parse(found.Template);
        Parallel.For(0, 64, _ => Assert.Equal(found.Expected, TemplateCase.Join(template.Render(found.Context.DeepClone().AsObject(), TemplateCase.Now))));
    }
}
