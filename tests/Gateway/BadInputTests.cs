using System.Text;
using System.Text.Json.Nodes;

namespace SmolCluster.Gateway.Tests;

/// <summary>Wrong values in every field of every route: whatever comes, the answer is a success or a 4xx with a message, and never a 5xx.</summary>
public sealed class BadInputTests(SharedGateway gateway)
{
    private static readonly string[] s_values =
    [
        "null", "true", "false", "0", "-1", "1.5", "1e308", "-1e308", "1e999", "9223372036854775807", "123456789012345678901234567890", "\"\"", "\"x\"", "\"\\u0000\"",
        "\"\\ud83d\\ude42\"", "[]", "[[]]", "[null]", "[0]", "[-1]", "[\"\"]", "[{}]", "{}", "{\"type\":\"x\"}", "{\"\":null}", "{\"type\":{}}", "{\"type\":\"function\",\"function\":[]}",
        "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"$ref\":\"#\"}}}]", "{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"$ref\":\"#\"}}}",
        "[{\"role\":\"tool\",\"content\":\"x\"}]", "[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"\",\"function\":{\"name\":\"\",\"arguments\":\"{\\\"a\\\":1e999}\"}}]}]",
    ];

    public static TheoryData<string, string> Routes => new()
    {
        {
            "/v1/chat/completions",
            """
            {"model":"stub","messages":[{"role":"user","content":"Hi","name":"a"},{"role":"assistant","content":"x","reasoning_content":"r","refusal":null,
             "tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","content":[{"type":"text","text":"x"}],"tool_call_id":"1"}],
             "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{},"strict":false}}],"tool_choice":"auto","parallel_tool_calls":true,
             "n":1,"max_tokens":2,"min_tokens":0,"max_completion_tokens":2,"temperature":1,"top_p":1,"top_k":1,"min_p":0,"presence_penalty":0,"frequency_penalty":0,
             "repetition_penalty":1,"logit_bias":{"5":1},"seed":1,"stop":["a"],"stream":false,"logprobs":true,"top_logprobs":1,"user":"u","metadata":{},"store":false,
             "enable_thinking":false,"reasoning_effort":"none","thinking_budget":1,"chat_template_kwargs":{"a":1},"truncation":"disabled","response_format":{"type":"text"}}
            """
        },
        {
            "/v1/completions",
            """
            {"model":"stub","prompt":"Hi","max_tokens":2,"min_tokens":0,"n":1,"best_of":1,"echo":false,"suffix":null,"logprobs":1,"temperature":1,"top_p":1,"stop":"a",
             "stream":false,"seed":1,"logit_bias":{},"user":"u","presence_penalty":0,"frequency_penalty":0}
            """
        },
        { "/tokenize", """{"model":"stub","prompt":"Hi","add_special_tokens":true,"parse_special":false,"return_token_strs":true}""" },
        { "/tokenize", """{"model":"stub","messages":[{"role":"user","content":"Hi"}],"tools":[],"enable_thinking":true}""" },
        { "/v1/embeddings", """{"model":"stub","input":["Hi"],"encoding_format":"float","user":"u"}""" },
        { "/detokenize", """{"model":"stub","tokens":[72,105]}""" },
    };

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Post_WrongValueInAnyField_Is4xxWithAMessage(string path, string good)
    {
        int refused = 0;
        await CheckAsync(path, good);
        foreach (string body in Broken(JsonNode.Parse(good)!, ""))
            refused += await CheckAsync(path, body) ? 1 : 0;
        Assert.InRange(refused, 20, int.MaxValue);
    }

    [Theory]
    [InlineData("/v1/chat/completions")]
    [InlineData("/v1/completions")]
    [InlineData("/tokenize")]
    [InlineData("/detokenize")]
    [InlineData("/v1/embeddings")]
    public async Task Post_NoJson_Is4xxWithAMessage(string path)
    {
        byte[][] bodies =
        [
            [], [0], [0xFF, 0xFE], [0xEF, 0xBB, 0xBF, (byte)'{', (byte)'}'], Encoding.UTF8.GetBytes("{"), Encoding.UTF8.GetBytes(new string('[', 100_000)),
            Encoding.UTF8.GetBytes("{\"messages\":" + new string('[', 60) + new string(']', 60) + "}"), Encoding.Unicode.GetBytes("{}"), Encoding.UTF8.GetBytes("{\"a\":\"\\ud800\"}"),
            Encoding.UTF8.GetBytes($"{{\"model\":\"{new string('m', 100_000)}\"}}"), Encoding.UTF8.GetBytes("{\"model\":\"stub\",\"model\":\"stub\"}"), "{\"model\":\"\xC3\x28\"}"u8.ToArray(),
        ];
        foreach (byte[] body in bodies)
            Assert.True(await CheckAsync(path, body), $"{Convert.ToHexString(body.AsSpan(0, Math.Min(20, body.Length)))} was taken");
    }

    /// <summary>The good body with each value in it, however deep, replaced by each wrong one, and with a field more.</summary>
    private static IEnumerable<string> Broken(JsonNode root, string path)
    {
        foreach (string place in Places(root, path))
            foreach (string value in s_values)
            {
                var copy = root.DeepClone();
                Set(copy, place.Split('/', StringSplitOptions.RemoveEmptyEntries), JsonNode.Parse(value));
                yield return copy.ToJsonString();
            }
        yield return root.ToJsonString()[..^1] + ",\"no_such_field\":1}";
    }

    private static IEnumerable<string> Places(JsonNode? node, string path)
    {
        if (path.Length > 0)
            yield return path;
        var children = node switch
        {
            JsonObject fields => fields.Select(field => ($"{path}/{field.Key}", field.Value)),
            JsonArray items => items.Select((item, index) => ($"{path}/{index}", item)),
            _ => [],
        };
        foreach (string deeper in children.SelectMany(child => Places(child.Item2, child.Item1)))
            yield return deeper;
    }

    private static void Set(JsonNode root, string[] place, JsonNode? value)
    {
        var parent = place[..^1].Aggregate(root, (node, step) => node is JsonArray items ? items[int.Parse(step)]! : node[step]!);
        if (parent is JsonArray list)
            list[int.Parse(place[^1])] = value;
        else
            parent[place[^1]] = value;
    }

    private Task<bool> CheckAsync(string path, string body) => CheckAsync(path, Encoding.UTF8.GetBytes(body));

    /// <returns>Whether it was refused.</returns>
    private async Task<bool> CheckAsync(string path, byte[] body)
    {
        using var response = await gateway.Http.PostAsync(new Uri(path, UriKind.Relative), Api.Json(body), TestContext.Current.CancellationToken);
        int status = (int)response.StatusCode;
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(status is 200 or (>= 400 and < 500), $"{path} {status} for {Encoding.UTF8.GetString(body)}: {text}");
        if (status == 200)
            return false;
        Assert.True(((string?)JsonNode.Parse(text)!["error"]!["message"])!.Length > 10, text);
        return true;
    }
}
