using System.Net;
using System.Text.Json.Nodes;
using SmolCluster.Grains;

namespace SmolCluster.Gateway.Tests;

/// <summary>Constrained answers of the demo model through the API, in each dialect's words.</summary>
public sealed class ConstraintTests : IAsyncLifetime
{
    private const string Person = """
        {"type":"object","properties":{"name":{"type":"string","maxLength":10},"age":{"type":"integer","minimum":0,"maximum":120}},"required":["name","age"],"additionalProperties":false}
        """;

    private GatewayHost host = null!;

    public async ValueTask InitializeAsync()
    {
        host = await GatewayHost.StartAsync([.. ModelCatalog.From(new SmolClusterOptions { Models = [new() { Path = ModelCatalog.DemoPath }] })]);
        await host.ReadyAsync();
    }

    public ValueTask DisposeAsync() => host.DisposeAsync();

    [Fact]
    public async Task Chat_JsonSchemaAtTemperatureOne_IsValidWhateverTheSeed()
    {
        for (int seed = 0; seed < 6; seed++)
        {
            var person = JsonNode.Parse(await AnswerAsync($$$"""
                "response_format":{"type":"json_schema","json_schema":{"name":"person","strict":true,"schema":{{{Person}}}}},"seed":{{{seed}}}
                """))!.AsObject();
            Assert.Equal(["name", "age"], person.Select(property => property.Key));
            Assert.InRange((int)person["age"]!, 0, 120);
        }
    }

    [Theory]
    [InlineData("\"guided_regex\":\"[ab]{3}-[0-9]{2}\"", "^[ab]{3}-[0-9]{2}$")]
    [InlineData("\"structured_outputs\":{\"choice\":[\"yes\",\"no\"]}", "^(yes|no)$")]
    [InlineData("\"guided_choice\":[\"yes\",\"no\"]", "^(yes|no)$")]
    [InlineData("\"grammar\":\"root ::= [xyz]{4}\"", "^[xyz]{4}$")]
    [InlineData("\"guided_grammar\":\"root ::= \\\"a\\\" b?\\nb ::= \\\"b\\\"\"", "^ab?$")]
    [InlineData("\"guided_json\":{\"enum\":[1,2]}", "^[12]$")]
    [InlineData("\"json_schema\":\"{\\\"type\\\":\\\"boolean\\\"}\"", "^(true|false)$")]
    [InlineData("\"response_format\":{\"type\":\"json_object\",\"schema\":{\"const\":null}}", "^null$")]
    public async Task Chat_EachDialect_KeepsToIt(string fields, string expected)
    {
        Assert.Matches(expected, await AnswerAsync(fields + ",\"seed\":1"));
        Assert.Matches(expected, await AnswerAsync(fields + ",\"seed\":2"));
    }

    [Fact]
    public async Task Chat_JsonObject_BeginsAsOneAndNeverBreaks()
    {
        // nothing obliges a model to end a free object soon: what there is by then must be the beginning of one
        string text = await AnswerAsync("\"response_format\":{\"type\":\"json_object\"},\"seed\":3,\"max_tokens\":60", finished: false);
        Assert.StartsWith("{", text);
    }

    [Theory]
    [InlineData("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"properties\":{\"x\":{\"pattern\":\"(a)\\\\1\"}}}}}",
        "response_format.json_schema.schema.properties.x.pattern", "refers back")]
    [InlineData("\"guided_json\":{\"type\":\"array\",\"uniqueItems\":true}", "guided_json.uniqueItems", "uniqueItems")]
    [InlineData("\"guided_regex\":\"(\"", "guided_regex", "without its")]
    [InlineData("\"grammar\":\"root ::= root\"", "grammar", "root")]
    public async Task Chat_NotPossible_IsRefusedByName(string fields, string param, string expected)
    {
        using var response = await host.Http.PostAsync(Api.Body(fields, "smolcluster-demo"));
        var error = await response.ErrorAsync(HttpStatusCode.BadRequest);
        Assert.Equal((param, "invalid_constraint"), ((string?)error["param"], (string?)error["code"]));
        Assert.Contains(expected, (string?)error["message"]);
    }

    private async Task<string> AnswerAsync(string fields, bool finished = true)
    {
        string bounds = fields.Contains("max_tokens", StringComparison.Ordinal) ? "" : ",\"max_tokens\":200";
        using var response = await host.Http.PostAsync(Api.Body($"{fields}{bounds},\"temperature\":1,\"top_p\":1", "smolcluster-demo"));
        string body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, body);
        var choice = JsonNode.Parse(body)!["choices"]![0]!;
        if (finished)
            Assert.Equal("stop", (string?)choice["finish_reason"]);
        return (string)choice["message"]!["content"]!;
    }
}
