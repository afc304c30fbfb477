using System.Text.Json;
using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests;

/// <summary><c>smol run</c> with a form of the answer, as scripts use it.</summary>
public sealed class RunTests
{
    private const string Schema = """{"type": "object", "properties": {"color": {"enum": ["magenta", "teal"]}, "share": {"type": "integer", "minimum": 7, "maximum": 9}}, "required": ["color", "share"], "additionalProperties": false}""";

    [Fact]
    public async Task Run_SchemaOnTheCommandLine_AnswerIsSuchJsonAlone()
    {
        Outcome answered = await SmolProcess.RunAsync("run", "-p", "What is a silo?", "--temperature", "0", "--json-schema", Schema);
        Assert.True(answered.ExitCode == 0, answered.Error);
        using JsonDocument answer = JsonDocument.Parse(answered.Output);
        AssertKeeps(answer.RootElement);
    }

    [Fact]
    public async Task Run_SchemaInAFileAndJson_ReportHasTextAndValue()
    {
        using TemporaryFolder folder = TestData.Temporary();
        await File.WriteAllTextAsync(folder.File("schema.json"), Schema, TestContext.Current.CancellationToken);
        Outcome answered = await SmolProcess.RunAsync("run", "-p", "What is a silo?", "--seed", "3", "--json-schema", folder.File("schema.json"), "--json");
        Assert.True(answered.ExitCode == 0, answered.Error);
        using JsonDocument report = JsonDocument.Parse(answered.Output);
        AssertKeeps(report.RootElement.GetProperty("value"));
        using JsonDocument answer = JsonDocument.Parse(report.RootElement.GetProperty("answer").GetString()!);
        Assert.True(JsonElement.DeepEquals(answer.RootElement, report.RootElement.GetProperty("value")));
        Assert.Equal("stop", report.RootElement.GetProperty("finishReason").GetString());
    }

    [Fact]
    public async Task Run_SchemaAndTooFewTokens_ExitsWith3AndHasNoValue()
    {
        Outcome cut = await SmolProcess.RunAsync("run", "-p", "What is a silo?", "--temperature", "0", "--json-schema", Schema, "--json", "--max-tokens", "2");
        Assert.Equal(3, cut.ExitCode);
        using JsonDocument report = JsonDocument.Parse(cut.Output);
        Assert.Equal(JsonValueKind.Null, report.RootElement.GetProperty("value").ValueKind);
        Assert.StartsWith("{", report.RootElement.GetProperty("answer").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no-such-schema.json", "no-such-schema.json")]
    [InlineData("""{"type": "object", "properties": {"a": {"type": "colour"}}}""", "--json-schema, at .properties.a")]
    [InlineData("{broken", "no JSON")]
    public async Task Run_SchemaThatCannotBeKept_ExitsWith1AndSaysWhere(string schema, string named)
    {
        Outcome refused = await SmolProcess.RunAsync("run", "-p", "x", "--json-schema", schema);
        Assert.Equal((1, ""), (refused.ExitCode, refused.Text));
        Assert.Contains(named, refused.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("this is a bug", refused.Error, StringComparison.Ordinal);
    }

    private static void AssertKeeps(JsonElement value)
    {
        Assert.Equal(2, value.EnumerateObject().Count());
        Assert.Contains(value.GetProperty("color").GetString(), (string[])["magenta", "teal"]);
        Assert.InRange(value.GetProperty("share").GetInt32(), 7, 9);
    }
}
