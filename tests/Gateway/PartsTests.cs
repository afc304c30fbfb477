using System.Net;
using System.Text.Json.Nodes;

namespace SmolCluster.Gateway.Tests;

/// <summary>Reasoning, tools, logprobs and several choices in OpenAI's shapes; the stub thinks when thinking is enabled, and calls the tool that
/// its last message names.</summary>
public sealed class PartsTests(SharedGateway gateway)
{
    private const string Tools = """
        "tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object"}}}]
        """;

    private static string Ask(string text, string fields) => Api.Body(fields).Replace("\"Hi\"", JsonValue.Create(text).ToJsonString());

    [Fact]
    public async Task Chat_Thinking_IsReasoningContent()
    {
        using var response = await gateway.Http.PostAsync(Api.Body("\"enable_thinking\":true"));
        var answer = await response.JsonAsync();
        var message = answer["choices"]![0]!["message"]!;
        Assert.StartsWith("I am a stub", (string)message["reasoning_content"]!);
        Assert.Equal(SharedGateway.QuickText, (string)message["content"]!);
        Assert.InRange((int)answer["usage"]!["completion_tokens_details"]!["reasoning_tokens"]!, 50, 200);
    }

    [Theory]
    [InlineData("\"enable_thinking\":true,\"thinking_budget\":7", "I am a")]
    [InlineData("\"enable_thinking\":true,\"thinking_budget\":0", null)]
    [InlineData("\"reasoning_effort\":\"none\"", null)]
    public async Task Chat_ThinkingBounded_StillAnswers(string fields, string? reasoning)
    {
        using var response = await gateway.Http.PostAsync(Api.Body(fields));
        var message = (await response.JsonAsync())["choices"]![0]!["message"]!;
        Assert.Equal((reasoning, SharedGateway.QuickText), ((string?)message["reasoning_content"], (string?)message["content"]));
    }

    [Fact]
    public async Task Chat_ThinkingStreamed_NeverMixesWithContent()
    {
        using var response = await gateway.Http.PostAsync(Api.Body("\"stream\":true,\"enable_thinking\":true"));
        var deltas = await DeltasAsync(response);
        Assert.StartsWith("I am a stub", string.Concat(deltas.Select(delta => (string?)delta["reasoning_content"])));
        Assert.Equal(SharedGateway.QuickText, string.Concat(deltas.Select(delta => (string?)delta["content"])));
        Assert.DoesNotContain(deltas, delta => delta["reasoning_content"] is not null && delta["content"] is not null);
    }

    [Fact]
    public async Task Chat_ToolCalled_CallAndReason()
    {
        using var response = await gateway.Http.PostAsync(Ask("get_weather {\"city\":\"Paris\"}", Tools));
        var choice = (await response.JsonAsync())["choices"]![0]!;
        Assert.Equal("tool_calls", (string)choice["finish_reason"]!);
        Assert.Null(choice["message"]!["content"]);
        var call = Assert.Single(choice["message"]!["tool_calls"]!.AsArray())!;
        Assert.Equal(("function", "get_weather", "{\"city\":\"Paris\"}"),
            ((string)call["type"]!, (string)call["function"]!["name"]!, (string)call["function"]!["arguments"]!));
        Assert.StartsWith("call_", (string)call["id"]!);
        string next = $$$"""{"model":"stub",{{{Tools}}},"messages":[{"role":"user","content":"get_weather"},{{{choice["message"]!.ToJsonString()}}},{"role":"tool","tool_call_id":"{{{call["id"]}}}","content":"Sunny"}]}""";
        using var answered = await gateway.Http.PostAsync(next);
        Assert.Equal(SharedGateway.QuickText, (string)(await answered.JsonAsync())["choices"]![0]!["message"]!["content"]!);
    }

    [Fact]
    public async Task Chat_ToolCalledStreamed_FirstPieceHasIdAndName()
    {
        using var response = await gateway.Http.PostAsync(Ask("get_weather", "\"stream\":true," + Tools));
        var calls = (await DeltasAsync(response)).Where(delta => delta["tool_calls"] is not null).Select(delta => delta["tool_calls"]![0]!).ToList();
        Assert.Equal("get_weather", (string?)calls[0]["function"]!["name"]);
        Assert.Equal("{}", string.Concat(calls.Select(call => (string)call["function"]!["arguments"]!)));
        Assert.All(calls[1..], call => Assert.Null(call["id"]));
    }

    [Fact]
    public async Task Chat_Logprobs_OneForEachTokenOfTheText()
    {
        using var response = await gateway.Http.PostAsync(Api.Body("\"logprobs\":true,\"top_logprobs\":1,\"max_tokens\":5"));
        var content = (await response.JsonAsync())["choices"]![0]!["logprobs"]!["content"]!.AsArray();
        Assert.Equal("Hello", string.Concat(content.Select(entry => (string)entry!["token"]!)));
        Assert.All(content, entry => Assert.Equal((0, (int)((string)entry!["token"]!)[0]), ((int)entry["logprob"]!, (int)entry["bytes"]![0]!)));
        Assert.Single(content[0]!["top_logprobs"]!.AsArray());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Chat_SeveralChoices_EachIsWhole(bool stream)
    {
        using var response = await gateway.Http.PostAsync(Api.Body($"\"n\":3,\"stream\":{(stream ? "true,\"stream_options\":{\"include_usage\":true}" : "false")}"));
        string[] texts = ["", "", ""];
        JsonNode? usage;
        if (stream)
        {
            var events = await response.EventsAsync();
            Assert.All(events, happened => Assert.Null(happened.Id));
            var chunks = events[..^1].ConvertAll(happened => JsonNode.Parse(happened.Data)!);
            foreach (var choice in chunks.SelectMany(chunk => chunk["choices"]!.AsArray()))
                texts[(int)choice!["index"]!] += (string?)choice["delta"]!["content"];
            usage = chunks[^1]["usage"];
        }
        else
        {
            var answer = await response.JsonAsync();
            texts = [.. answer["choices"]!.AsArray().Select(choice => (string)choice!["message"]!["content"]!)];
            usage = answer["usage"];
        }
        Assert.All(texts, text => Assert.Equal(SharedGateway.QuickText, text));
        Assert.Equal(3, texts.Length);
        Assert.Equal(3 * (System.Text.Encoding.UTF8.GetByteCount(SharedGateway.QuickText) + 1), (int)usage!["completion_tokens"]!);
    }

    [Fact]
    public async Task Chat_Fingerprint_IsTheModels()
    {
        using var one = await gateway.Http.PostAsync(Api.Body());
        using var two = await gateway.Http.PostAsync(Api.Body("\"seed\":8"));
        string fingerprint = (string)(await one.JsonAsync())["system_fingerprint"]!;
        Assert.StartsWith("fp_", fingerprint);
        Assert.Equal(fingerprint, (string?)(await two.JsonAsync())["system_fingerprint"]);
    }

    [Fact]
    public async Task Chat_TooLongAndTruncated_UsageSaysHowMuch()
    {
        string body = $$"""{"model":"stub","truncation":"auto","messages":[{"role":"user","content":"{{new string('x', 3000)}}"},{"role":"assistant","content":"a"},{"role":"user","content":"b"}]}""";
        using var response = await gateway.Http.PostAsync(body);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(3000 + "user: \nassistant: a\n".Length, (int)(await response.JsonAsync())["usage"]!["prompt_tokens_details"]!["truncated_tokens"]!);
    }

    private static async Task<List<JsonNode>> DeltasAsync(HttpResponseMessage response) =>
        (await response.EventsAsync())[..^1].ConvertAll(happened => JsonNode.Parse(happened.Data)!["choices"]![0]!["delta"]!);
}
