using System.Net;
using System.Text.Json.Nodes;

namespace SmolCluster.Gateway.Tests;

public sealed class CompletionTests(SharedGateway gateway)
{
    private const string Path = "/v1/completions";

    private static string Body(string fields) => $$"""{"model":"stub",{{fields}}}""";

    [Fact]
    public async Task Complete_Text_OpenAiShape()
    {
        using var response = await gateway.Http.PostAsync(Body("\"prompt\":\"Once\",\"max_tokens\":5"), path: Path);
        var answer = await response.JsonAsync();
        Assert.StartsWith("cmpl-", (string)answer["id"]!);
        Assert.Equal("text_completion", (string?)answer["object"]);
        var choice = Assert.Single(answer["choices"]!.AsArray())!;
        Assert.Equal(("Hello", "length", 0), ((string)choice["text"]!, (string)choice["finish_reason"]!, (int)choice["index"]!));
        Assert.Equal((4, 5), ((int)answer["usage"]!["prompt_tokens"]!, (int)answer["usage"]!["completion_tokens"]!));
    }

    [Theory]
    [InlineData("\"prompt\":\"On\",\"echo\":true,\"max_tokens\":5", new[] { "OnHello" })]
    [InlineData("\"prompt\":[79,110],\"echo\":true,\"max_tokens\":5", new[] { "OnHello" })]
    [InlineData("\"prompt\":[\"a\",[98,99]],\"n\":2,\"echo\":true,\"max_tokens\":1", new[] { "aH", "aH", "bcH", "bcH" })]
    [InlineData("\"prompt\":\"a\",\"stop\":\"lo\",\"best_of\":1,\"suffix\":\"\"", new[] { "Hel" })]
    public async Task Complete_PromptsOfEachKind_AnswersInOrder(string fields, string[] texts)
    {
        foreach (bool stream in new[] { false, true })
        {
            using var response = await gateway.Http.PostAsync(Body(fields + (stream ? ",\"stream\":true" : "")), path: Path);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            var choices = stream
                ? (await response.EventsAsync())[..^1].SelectMany(happened => JsonNode.Parse(happened.Data)!["choices"]!.AsArray()).ToList()
                : [.. (await response.JsonAsync())["choices"]!.AsArray()];
            var found = choices.GroupBy(choice => (int)choice!["index"]!).OrderBy(same => same.Key)
                .Select(same => string.Concat(same.Select(choice => (string)choice!["text"]!)));
            Assert.Equal(texts, found);
        }
    }

    [Fact]
    public async Task Complete_Logprobs_OlderShape()
    {
        using var response = await gateway.Http.PostAsync(Body("\"prompt\":\"a\",\"logprobs\":1,\"max_tokens\":3"), path: Path);
        var logprobs = (await response.JsonAsync())["choices"]![0]!["logprobs"]!;
        Assert.Equal("""{"tokens":["H","e","l"],"token_logprobs":[0,0,0],"top_logprobs":[{"H":0},{"e":0},{"l":0}],"text_offset":[0,1,2]}""", logprobs.ToJsonString());
    }

    [Fact]
    public async Task Complete_SeveralPrompts_UsageCountsEachOnce()
    {
        using var response = await gateway.Http.PostAsync(Body("\"prompt\":[\"abc\",\"de\"],\"n\":2,\"max_tokens\":1"), path: Path);
        var usage = (await response.JsonAsync())["usage"]!;
        Assert.Equal((5, 4, 9), ((int)usage["prompt_tokens"]!, (int)usage["completion_tokens"]!, (int)usage["total_tokens"]!));
    }

    [Theory]
    [InlineData("\"max_tokens\":1", "prompt", "missing_required_parameter")]
    [InlineData("\"prompt\":7", "prompt", "invalid_type")]
    [InlineData("\"prompt\":[]", "prompt", "empty_array")]
    [InlineData("\"prompt\":[1,\"a\"]", "prompt[1]", "invalid_type")]
    [InlineData("\"prompt\":[\"a\",{}]", "prompt[1]", "invalid_type")]
    [InlineData("\"prompt\":[-1]", "prompt[0]", "invalid_type")]
    [InlineData("\"prompt\":[1.5]", "prompt[0]", "invalid_type")]
    [InlineData("\"prompt\":\"a\",\"suffix\":\"b\"", "suffix", "unsupported_parameter")]
    [InlineData("\"prompt\":\"a\",\"best_of\":2", "best_of", "unsupported_parameter")]
    [InlineData("\"prompt\":\"a\",\"echo\":true,\"logprobs\":1", "echo", "unsupported_parameter")]
    [InlineData("\"prompt\":\"a\",\"logprobs\":true", "logprobs", "invalid_type")]
    [InlineData("\"prompt\":\"a\",\"messages\":[]", "messages", "unknown_parameter")]
    [InlineData("\"prompt\":[9999]", null, "invalid_prompt")]
    [InlineData("\"prompt\":\"\"", null, "invalid_prompt")]
    public async Task Complete_BadField_NamesFieldAndCode(string fields, string? param, string code)
    {
        using var response = await gateway.Http.PostAsync(Body(fields), path: Path);
        var error = await response.ErrorAsync(HttpStatusCode.BadRequest);
        Assert.Equal((param, code), ((string?)error["param"], (string?)error["code"]));
    }
}
