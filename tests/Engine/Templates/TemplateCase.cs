using System.Text.Json.Nodes;
using SmolCluster.Engine.Text;
using SmolCluster.Engine.Text.Templates;

namespace SmolCluster.Engine.Tests.Templates;

/// <summary>A template with context and the exact text another implementation made of it: tests/data/templates/ has chat.json
/// and language.json from Hugging Face's tests and python.json, which Jinja2 3.1.6 rendered.</summary>
internal sealed record TemplateCase(string Name, string Template, JsonObject Context, string Expected)
{
    /// <summary>The day the oracles were made, with a time of day whose digits differ.</summary>
    public static DateTimeOffset Now { get; } = new(2025, 7, 10, 9, 5, 7, TimeSpan.Zero);

    public static IReadOnlyList<TemplateCase> Load(string file) =>
    [
        .. JsonNode.Parse(File.ReadAllText(TestData.Path(Path.Combine("templates", file))))!.AsArray().Select(static node => new TemplateCase(
            node!["name"]!.GetValue<string>(), node["template"]!.GetValue<string>(), node["context"]!.AsObject(), node["expected"]!.GetValue<string>())),
    ];

    public static TemplateCase Find(string file, string name) => Load(file).Single(found => found.Name == name);

    public static string Render(string template, JsonObject? context = null, TextStyle style = TextStyle.Python) =>
        Join(ChatTemplate.Parse(template, style).Render(context ?? [], Now));

    public static string Join(IEnumerable<PromptSegment> segments) => string.Concat(segments.Select(static segment => segment.Text));
}
