using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace SmolCluster.Gateway.Tests;

/// <summary>What the other dialects refuse: each with a 400 (or another 4xx) in its own shape, which names what is wrong. Nothing is a
/// 5xx, and nothing that would change an answer is dropped.</summary>
public sealed class DialectValidationTests(SharedGateway gateway)
{
    private const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";

    [Theory]
    [InlineData("""{"max_tokens":5,"messages":[]}""", "model")]
    [InlineData("""{"model":"stub","messages":[{"role":"user","content":"Hi"}]}""", "max_tokens")]
    [InlineData("""{"model":"stub","max_tokens":5}""", "messages")]
    [InlineData("""{"model":7,"max_tokens":5,"messages":[]}""", "model")]
    [InlineData("""{"model":"stub","max_tokens":5,"messages":[{"role":"tool","content":"x"}]}""", "messages[0].role")]
    [InlineData("""{"model":"stub","max_tokens":5,"messages":[{"role":"user","content":[{"type":"tool_use","id":"a","name":"b","input":{}}]}]}""", "messages[0].content[0].type")]
    [InlineData("""{"model":"stub","max_tokens":5,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}]}]}""", "messages[0].content[0].tool_use_id")]
    [InlineData("""{"model":"stub","max_tokens":5,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"He"}]}""", "messages[1].role")]
    [InlineData("""{"model":"stub","max_tokens":5,"messages":[{"role":"user","content":"Hi"}],"thinking":{"type":"enabled"}}""", "thinking.budget_tokens")]
    [InlineData("""{"model":"stub","max_tokens":5,"messages":[{"role":"user","content":"Hi"}],"thinking":{"type":"sometimes"}}""", "thinking.type")]
    [InlineData("""{"model":"stub","max_tokens":5,"messages":[{"role":"user","content":"Hi"}],"stop_sequences":[""]}""", "stop_sequences[0]")]
    [InlineData("""{"model":"stub","max_tokens":5,"messages":[{"role":"user","content":"Hi"}],"tools":[{"name":"a"}]}""", "tools[0].input_schema")]
    [InlineData("""{"model":"stub","max_tokens":5,"messages":[{"role":"user","content":"Hi"}],"tools":[{"name":"a b","input_schema":{}}]}""", "name")]
    [InlineData("""{"model":"stub","max_tokens":5,"messages":[{"role":"user","content":"Hi"}],"tools":[{"name":"a","input_schema":{}}],"tool_choice":{"type":"maybe"}}""", "tool_choice.type")]
    [InlineData("""{"model":"stub","max_tokens":5,"messages":[{"role":"user","content":"Hi"}],"mcp_servers":[]}""", "mcp_servers")]
    [InlineData("""{"model":"stub","max_tokens":5,"messages":[{"role":"user","content":"Hi"}],"metadata":{"user_id":1}}""", "metadata.user_id")]
    [InlineData("""[1]""", "object")]
    public async Task Anthropic_Wrong_400NamesIt(string body, string named)
    {
        var error = await RefusedAsync("/v1/messages", body);
        Assert.Equal("error", (string?)error["type"]);
        Assert.Equal("invalid_request_error", (string?)error["error"]!["type"]);
        Assert.Contains(named, (string?)error["error"]!["message"]);
    }

    [Theory]
    [InlineData("/api/chat", """{"messages":[{"role":"user","content":"Hi"}]}""", "model")]
    [InlineData("/api/chat", """{"model":"stub"}""", "messages")]
    [InlineData("/api/chat", """{"model":"stub","messages":[{"role":"boss","content":"x"}]}""", "messages[0].role")]
    [InlineData("/api/chat", """{"model":"stub","messages":[{"role":"assistant","content":"","tool_calls":[{"function":{"name":"a","arguments":"{}"}}]}]}""", "arguments")]
    [InlineData("/api/chat", """{"model":"stub","messages":[{"role":"user","content":"Hi"}],"options":{"num_predict":0}}""", "options.num_predict")]
    [InlineData("/api/chat", """{"model":"stub","messages":[{"role":"user","content":"Hi"}],"options":{"typical_p":0.5}}""", "options.typical_p")]
    [InlineData("/api/chat", """{"model":"stub","messages":[{"role":"user","content":"Hi"}],"options":{"colour":1}}""", "options.colour")]
    [InlineData("/api/chat", """{"model":"stub","messages":[{"role":"user","content":"Hi"}],"options":{"stop":[7]}}""", "options.stop[0]")]
    [InlineData("/api/chat", """{"model":"stub","messages":[{"role":"user","content":"Hi"}],"options":[]}""", "options")]
    [InlineData("/api/chat", """{"model":"stub","messages":[{"role":"user","content":"Hi"}],"dimensions":3}""", "dimensions")]
    [InlineData("/api/generate", """{"model":"stub","prompt":7}""", "prompt")]
    [InlineData("/api/generate", """{"model":"stub","prompt":"x","suffix":"y"}""", "suffix")]
    [InlineData("/api/generate", """{"model":"stub","prompt":"x","raw":true,"system":"y"}""", "system")]
    [InlineData("/api/show", """{}""", "model")]
    public async Task Ollama_Wrong_400NamesIt(string path, string body, string named) =>
        Assert.Contains(named, (string?)(await RefusedAsync(path, body))["error"]);

    [Theory]
    [InlineData("""{"input":"Hi"}""", "model")]
    [InlineData("""{"model":"stub"}""", "input")]
    [InlineData("""{"model":"stub","input":[{"type":"computer_call"}]}""", "input[0].type")]
    [InlineData("""{"model":"stub","input":[{"role":"user","content":[{"type":"input_image","image_url":"x"}]}]}""", "input[0].content[0].type")]
    [InlineData("""{"model":"stub","input":"Hi","text":{"format":{"type":"xml"}}}""", "text.format.type")]
    [InlineData("""{"model":"stub","input":"Hi","tools":[{"type":"mcp"}]}""", "tools[0].type")]
    [InlineData("""{"model":"stub","input":"Hi","reasoning":{"effort":"all"}}""", "reasoning.effort")]
    [InlineData("""{"model":"stub","input":"Hi","conversation":"conv_1"}""", "conversation")]
    [InlineData("""{"model":"stub","input":"Hi","max_output_tokens":0}""", "max_output_tokens")]
    [InlineData("""{"model":"stub","input":"Hi","truncation":"some"}""", "truncation")]
    public async Task Responses_Wrong_400NamesIt(string body, string named) =>
        Assert.StartsWith(named, (string?)(await RefusedAsync("/v1/responses", body))["error"]!["param"]);

    [Theory]
    [InlineData("GET", "/v1/responses/resp_0123456789abcdef0123456789abcdef")]
    [InlineData("GET", "/v1/responses/chatcmpl-1")]
    [InlineData("DELETE", "/v1/responses/resp_x")]
    [InlineData("POST", "/v1/responses/resp_x/cancel")]
    [InlineData("GET", "/v1/responses/resp_x/input_items")]
    public async Task Responses_NotThere_404(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal("response_not_found", (string?)(await response.ErrorAsync(HttpStatusCode.NotFound))["code"]);
    }

    [Theory]
    [InlineData("/v1/messages", "{\"model\":\"stub\",\"max_tokens\":5," + Messages + "}")]
    [InlineData("/api/chat", "{\"model\":\"stub\"," + Messages + "}")]
    [InlineData("/v1/responses", "{\"model\":\"stub\",\"input\":\"Hi\"}")]
    public async Task EveryDialect_BrokenBodies_Only4xx(string path, string whole)
    {
        byte[] body = Encoding.UTF8.GetBytes(whole);
        for (int length = 0; length < body.Length; length += 3)
            Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(path, body[..length]));
        for (int at = 0; at < body.Length; at += 5)
        {
            byte[] changed = [.. body];
            changed[at] = 0xff;
            Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(path, changed));
        }
        string deep = whole[..^1] + ",\"metadata\":" + new string('[', 200) + new string(']', 200) + "}";
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(path, Encoding.UTF8.GetBytes(deep)));
    }

    private async Task<JsonNode> RefusedAsync(string path, string body)
    {
        using var content = Api.Json(Encoding.UTF8.GetBytes(body));
        using var response = await gateway.Http.PostAsync(new Uri(path, UriKind.Relative), content, TestContext.Current.CancellationToken);
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == HttpStatusCode.BadRequest, $"{(int)response.StatusCode}: {text}");
        return JsonNode.Parse(text)!;
    }

    private async Task<HttpStatusCode> StatusAsync(string path, byte[] body)
    {
        using var content = Api.Json(body);
        using var response = await gateway.Http.PostAsync(new Uri(path, UriKind.Relative), content, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }
}
