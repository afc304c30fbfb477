using System.Text;
using SmolCluster.Engine.Text.Templates;

namespace SmolCluster.Engine.Tests.Templates;

/// <summary>Templates with characters, words and pieces exchanged: whatever comes of it, it is a text or a TemplateException.</summary>
public sealed class MutationTests
{
    private const int MutationsEach = 40;

    private static readonly string[] Pieces =
    [
        "{{", "}}", "{%", "%}", "{#", "#}", "-%}", "{%-", "'", "\"", "\\", "(", ")", "[", "]", "{", "}", "|", ".", ",", ":", "~", "**", "//", "%",
        " if ", " else ", " in ", " is ", " not ", " for ", " and ", "endfor", "endif", "set ", "macro ", "loop", "namespace(", "none", "true", "-1",
        "999999999999", "1e999", "range(", "messages", "|tojson", "|length", "|string", "|join", "|sort", "|first", "[::-1]", "[1:]", ".items()", ".split(",
        "*", "+", "\n", "\0", "😀", "\ud800", "raw", "caller()", "|map(", "|int", "|indent(", "|groupby(",
    ];

    [Theory]
    [InlineData("chat.json", 1)]
    [InlineData("language.json", 2)]
    [InlineData("python.json", 3)]
    public void ParseAndRender_MutatedTemplate_SucceedsOrIsRefused(string file, int seed)
    {
        var random = new Random(seed);
        int rendered = 0;
        foreach (TemplateCase found in TemplateCase.Load(file))
        {
            for (int i = 0; i < MutationsEach; i++)
                rendered += TryRender(Mutate(found.Template, random), found) ? 1 : 0;
        }
        Assert.InRange(rendered, 1, int.MaxValue);
    }

    private static bool TryRender(string source, TemplateCase found)
    {
        try
        {
            ChatTemplate.Parse(source, TextStyle.Python).Render(found.Context, TemplateCase.Now);
            return true;
        }
        catch (TemplateException refusal)
        {
            Assert.NotEmpty(refusal.Message);
            return false;
        }
    }

    private static string Mutate(string template, Random random)
    {
        var text = new StringBuilder(template);
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            int at = random.Next(text.Length + 1);
            int length = Math.Min(random.Next(1, 8), text.Length - at);
            switch (random.Next(3))
            {
                case 0:
                    text.Insert(at, Pieces[random.Next(Pieces.Length)]);
                    break;
                case 1:
                    text.Remove(at, length);
                    break;
                default:
                    int from = random.Next(template.Length);
                    text.Remove(at, length).Insert(at, template.AsSpan(from, Math.Min(random.Next(1, 30), template.Length - from)));
                    break;
            }
        }
        return text.ToString();
    }
}
