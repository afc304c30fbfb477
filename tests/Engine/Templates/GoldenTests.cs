using SmolCluster.Engine.Text;
using SmolCluster.Engine.Text.Templates;

namespace SmolCluster.Engine.Tests.Templates;

public sealed class GoldenTests
{
    public static TheoryData<string> ChatNames => [.. TemplateCase.Load("chat.json").Select(static found => found.Name)];

    public static TheoryData<string> LanguageNames => [.. TemplateCase.Load("language.json").Select(static found => found.Name)];

    public static TheoryData<string> PythonNames => [.. TemplateCase.Load("python.json").Select(static found => found.Name)];

    [Theory]
    [MemberData(nameof(ChatNames))]
    public void Render_PublishedTemplate_IsHuggingFacesTextInBothStyles(string name)
    {
        AssertRenders(TemplateCase.Find("chat.json", name), TextStyle.Json);
        AssertRenders(TemplateCase.Find("chat.json", name), TextStyle.Python);
    }

    [Theory]
    [MemberData(nameof(LanguageNames))]
    public void Render_LanguageCase_IsHuggingFacesText(string name) => AssertRenders(TemplateCase.Find("language.json", name), TextStyle.Json);

    [Theory]
    [MemberData(nameof(PythonNames))]
    public void Render_PythonCase_IsJinja2sText(string name) => AssertRenders(TemplateCase.Find("python.json", name), TextStyle.Python);

    private static void AssertRenders(TemplateCase found, TextStyle style)
    {
        IReadOnlyList<PromptSegment> segments = ChatTemplate.Parse(found.Template, style).Render(found.Context, TemplateCase.Now);
        Assert.Equal(found.Expected, TemplateCase.Join(segments));
        Assert.DoesNotContain(segments, static segment => segment.Text.Length == 0);
        for (int i = 1; i < segments.Count; i++)
            Assert.NotEqual(segments[i - 1].IsScaffold, segments[i].IsScaffold);
    }
}
