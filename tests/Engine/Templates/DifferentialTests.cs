using System.Text.Json.Nodes;
using SmolCluster.Engine.Text.Templates;

namespace SmolCluster.Engine.Tests.Templates;

/// <summary>Published templates with conversations they were not published with: tools, calls and their results, parts, nothing
/// at all. python-chat.json holds what Jinja2 3.1.6, set up as transformers does, made of each; null where it raised.</summary>
public sealed class DifferentialTests
{
    public static TheoryData<string> Names => [.. TemplateCase.Load("chat.json").Select(static found => found.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Render_OtherConversations_IsJinja2sTextOrRefusal(string name)
    {
        JsonNode file = JsonNode.Parse(File.ReadAllText(TestData.Path(Path.Combine("templates", "python-chat.json"))))!;
        ChatTemplate template = ChatTemplate.Parse(TemplateCase.Find("chat.json", name).Template, TextStyle.Python);
        foreach (JsonNode? found in file["cases"]!.AsArray().Where(found => found!["template"]!.GetValue<string>() == name))
        {
            int context = found!["context"]!.GetValue<int>();
            string? expected = found["expected"]?.GetValue<string>();
            string? actual = TryRender(template, file["contexts"]![context]!.AsObject());
            Assert.True(expected == actual, $"{name}, context {context}\nexpected: {expected ?? "a refusal"}\nactual:   {actual ?? "a refusal"}");
        }
    }

    private static string? TryRender(ChatTemplate template, JsonObject context)
    {
        try
        {
            return TemplateCase.Join(template.Render(context, TemplateCase.Now));
        }
        catch (TemplateException)
        {
            return null;
        }
    }
}
