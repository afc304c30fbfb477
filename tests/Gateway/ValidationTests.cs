using System.Net;

namespace SmolCluster.Gateway.Tests;

public sealed class ValidationTests(SharedGateway gateway)
{
    [Theory]
    [InlineData("\"temperature\":2.1", "temperature", "decimal_above_max_value")]
    [InlineData("\"temperature\":-0.1", "temperature", "decimal_below_min_value")]
    [InlineData("\"temperature\":1e400", "temperature", "decimal_above_max_value")]
    [InlineData("\"temperature\":-1e400", "temperature", "decimal_below_min_value")]
    [InlineData("\"temperature\":\"1\"", "temperature", "invalid_type")]
    [InlineData("\"temperature\":true", "temperature", "invalid_type")]
    [InlineData("\"top_p\":0", "top_p", "decimal_below_min_value")]
    [InlineData("\"top_p\":1.01", "top_p", "decimal_above_max_value")]
    [InlineData("\"min_p\":-1", "min_p", "decimal_below_min_value")]
    [InlineData("\"min_p\":2", "min_p", "decimal_above_max_value")]
    [InlineData("\"top_k\":-1", "top_k", "integer_below_min_value")]
    [InlineData("\"top_k\":2147483648", "top_k", "integer_above_max_value")]
    [InlineData("\"top_k\":1.5", "top_k", "invalid_type")]
    [InlineData("\"presence_penalty\":2.5", "presence_penalty", "decimal_above_max_value")]
    [InlineData("\"frequency_penalty\":-2.5", "frequency_penalty", "decimal_below_min_value")]
    [InlineData("\"repetition_penalty\":0", "repetition_penalty", "decimal_below_min_value")]
    [InlineData("\"repetition_penalty\":2.5", "repetition_penalty", "decimal_above_max_value")]
    [InlineData("\"max_tokens\":0", "max_tokens", "integer_below_min_value")]
    [InlineData("\"max_tokens\":-5", "max_tokens", "integer_below_min_value")]
    [InlineData("\"max_tokens\":99999999999999999999", "max_tokens", "invalid_type")]
    [InlineData("\"max_tokens\":3000000000", "max_tokens", "integer_above_max_value")]
    [InlineData("\"max_completion_tokens\":0", "max_completion_tokens", "integer_below_min_value")]
    [InlineData("\"max_tokens\":5,\"max_completion_tokens\":6", "max_tokens", "invalid_value")]
    [InlineData("\"seed\":1.5", "seed", "invalid_type")]
    [InlineData("\"seed\":9223372036854775808", "seed", "invalid_type")]
    [InlineData("\"seed\":\"7\"", "seed", "invalid_type")]
    [InlineData("\"n\":17", "n", "integer_above_max_value")]
    [InlineData("\"n\":0", "n", "integer_below_min_value")]
    [InlineData("\"stop\":\"\"", "stop", "invalid_value")]
    [InlineData("\"stop\":[\"a\",\"\"]", "stop[1]", "invalid_value")]
    [InlineData("\"stop\":[\"a\",7]", "stop[1]", "invalid_type")]
    [InlineData("\"stop\":{}", "stop", "invalid_type")]
    [InlineData("\"stop\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]", "stop", "array_above_max_length")]
    [InlineData("\"stream\":\"true\"", "stream", "invalid_type")]
    [InlineData("\"stream_options\":{\"include_usage\":true}", "stream_options", "invalid_value")]
    [InlineData("\"stream\":true,\"stream_options\":[]", "stream_options", "invalid_type")]
    [InlineData("\"stream\":true,\"stream_options\":{\"usage\":true}", "stream_options.usage", "unknown_parameter")]
    [InlineData("\"stream\":true,\"stream_options\":{\"include_usage\":1}", "stream_options.include_usage", "invalid_type")]
    [InlineData("\"stream\":true,\"stream_options\":{\"include_obfuscation\":true}", "stream_options.include_obfuscation", "unsupported_parameter")]
    [InlineData("\"logit_bias\":[]", "logit_bias", "invalid_type")]
    [InlineData("\"logit_bias\":{\"a\":1}", "logit_bias", "invalid_value")]
    [InlineData("\"logit_bias\":{\"-1\":1}", "logit_bias", "invalid_value")]
    [InlineData("\"logit_bias\":{\"2147483648\":1}", "logit_bias", "invalid_value")]
    [InlineData("\"logit_bias\":{\"7\":101}", "logit_bias.7", "decimal_above_max_value")]
    [InlineData("\"logit_bias\":{\"7\":1,\"07\":2}", "logit_bias.07", "invalid_value")]
    [InlineData("\"user\":7", "user", "invalid_type")]
    [InlineData("\"chat_template_kwargs\":[]", "chat_template_kwargs", "invalid_type")]
    [InlineData("\"chat_template_kwargs\":{\"messages\":[]}", "chat_template_kwargs.messages", "invalid_value")]
    [InlineData("\"chat_template_kwargs\":{\"enable_thinking\":true},\"enable_thinking\":false", "enable_thinking", "invalid_value")]
    [InlineData("\"enable_thinking\":\"no\"", "enable_thinking", "invalid_type")]
    [InlineData("\"tools\":{}", "tools", "invalid_type")]
    [InlineData("\"tools\":[{\"type\":\"web_search\"}]", "tools[0].type", "unsupported_parameter")]
    [InlineData("\"tools\":[{\"type\":\"function\"}]", "tools[0].function", "missing_required_parameter")]
    [InlineData("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}]", "tools[0].function.name", "invalid_value")]
    [InlineData("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":[]}}]", "tools[0].function.parameters", "invalid_type")]
    [InlineData("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true}}]", "tools", "invalid_constraint")] // the stub cannot
    [InlineData("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}},{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]", "tools[1].function.name", "invalid_value")]
    [InlineData("\"tool_choice\":\"sometimes\"", "tool_choice", "invalid_value")]
    [InlineData("\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"g\"}}", "tool_choice.function.name", "invalid_value")]
    [InlineData("\"parallel_tool_calls\":1", "parallel_tool_calls", "invalid_type")]
    [InlineData("\"tool_choice\":\"required\"", "tool_choice", "invalid_value")]
    [InlineData("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":\"required\"", "tools", "invalid_constraint")]
    [InlineData("\"logprobs\":3", "logprobs", "invalid_type")]
    [InlineData("\"top_logprobs\":3", "top_logprobs", "invalid_value")]
    [InlineData("\"logprobs\":true,\"top_logprobs\":21", "top_logprobs", "integer_above_max_value")]
    [InlineData("\"min_tokens\":6,\"max_tokens\":5", "min_tokens", "invalid_value")]
    [InlineData("\"thinking_budget\":-1", "thinking_budget", "integer_below_min_value")]
    [InlineData("\"truncation\":true", "truncation", "invalid_value")]
    [InlineData("\"response_format\":\"json_object\"", "response_format", "invalid_type")]
    [InlineData("\"response_format\":{\"type\":\"xml\"}", "response_format.type", "invalid_value")]
    [InlineData("\"response_format\":{\"type\":\"text\",\"a\":1}", "response_format.a", "unknown_parameter")]
    [InlineData("\"response_format\":{\"type\":\"json_schema\"}", "response_format.json_schema", "missing_required_parameter")]
    [InlineData("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\"}}", "response_format.json_schema.schema", "missing_required_parameter")]
    [InlineData("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{},\"strict\":1}}", "response_format.json_schema.strict", "invalid_type")]
    [InlineData("\"response_format\":{\"type\":\"json_object\"},\"grammar\":\"root ::= \\\"a\\\"\"", "grammar", "invalid_value")]
    [InlineData("\"guided_regex\":\"a\",\"min_tokens\":2", "min_tokens", "unsupported_parameter")]
    [InlineData("\"guided_regex\":\"a\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":\"required\"", "guided_regex", "unsupported_parameter")]
    [InlineData("\"guided_json\":[1]", "guided_json", "invalid_type")]
    [InlineData("\"guided_regex\":\"\"", "guided_regex", "invalid_value")]
    [InlineData("\"guided_choice\":[]", "guided_choice", "invalid_value")]
    [InlineData("\"guided_choice\":[1]", "guided_choice[0]", "invalid_type")]
    [InlineData("\"structured_outputs\":{}", "structured_outputs", "invalid_value")]
    [InlineData("\"structured_outputs\":{\"regex\":\"a\",\"choice\":[\"b\"]}", "structured_outputs", "invalid_value")]
    [InlineData("\"structured_outputs\":{\"structural_tag\":\"x\"}", "structured_outputs.structural_tag", "unknown_parameter")]
    [InlineData("\"response_format\":{\"type\":\"json_object\"}", "response_format.type", "invalid_constraint")] // the stub cannot
    [InlineData("\"modalities\":[\"text\",\"audio\"]", "modalities", "unsupported_parameter")]
    [InlineData("\"audio\":{\"voice\":\"alloy\"}", "audio", "unsupported_parameter")]
    [InlineData("\"reasoning_effort\":\"huge\"", "reasoning_effort", "invalid_value")]
    [InlineData("\"reasoning_effort\":\"none\",\"enable_thinking\":true", "reasoning_effort", "invalid_value")]
    [InlineData("\"temprature\":1", "temprature", "unknown_parameter")]
    [InlineData("\"__proto__\":1", "__proto__", "unknown_parameter")]
    public async Task Chat_BadField_NamesFieldAndCode(string fields, string param, string code) =>
        await RefusesAsync(Api.Body(fields), param, code);

    [Theory]
    [InlineData("[]", "messages", "empty_array")]
    [InlineData("{}", "messages", "invalid_type")]
    [InlineData("null", "messages", "missing_required_parameter")]
    [InlineData("[\"Hi\"]", "messages[0]", "invalid_type")]
    [InlineData("[{\"content\":\"Hi\"}]", "messages[0].role", "missing_required_parameter")]
    [InlineData("[{\"role\":\"User\",\"content\":\"Hi\"}]", "messages[0].role", "invalid_value")]
    [InlineData("[{\"role\":7,\"content\":\"Hi\"}]", "messages[0].role", "invalid_type")]
    [InlineData("[{\"role\":\"user\"}]", "messages[0].content", "missing_required_parameter")]
    [InlineData("[{\"role\":\"user\",\"content\":null}]", "messages[0].content", "missing_required_parameter")]
    [InlineData("[{\"role\":\"user\",\"content\":7}]", "messages[0].content", "invalid_type")]
    [InlineData("[{\"role\":\"user\",\"content\":[]}]", "messages[0].content", "empty_array")]
    [InlineData("[{\"role\":\"user\",\"content\":[\"Hi\"]}]", "messages[0].content[0]", "invalid_type")]
    [InlineData("[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]", "messages[0].content[0].text", "missing_required_parameter")]
    [InlineData("[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":7}]}]", "messages[0].content[0].text", "invalid_type")]
    [InlineData("[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"x\"}}]}]", "messages[0].content[0].type", "unsupported_content")]
    [InlineData("[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"Hi\",\"tool_calls\":[{}]}]", "messages[1].tool_calls[0].id", "missing_required_parameter")]
    [InlineData("[{\"role\":\"user\",\"content\":\"Hi\",\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}]", "messages[0].tool_calls", "invalid_value")]
    [InlineData("[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":{}}}]}]", "messages[0].tool_calls[0].function.arguments", "invalid_type")]
    [InlineData("[{\"role\":\"user\",\"content\":\"Hi\",\"reasoning_content\":\"x\"}]", "messages[0].reasoning_content", "invalid_value")]
    [InlineData("[{\"role\":\"user\",\"content\":\"Hi\",\"name\":7}]", "messages[0].name", "invalid_type")]
    [InlineData("[{\"role\":\"user\",\"content\":\"Hi\",\"tool_call_id\":\"1\"}]", "messages[0].tool_call_id", "invalid_value")]
    [InlineData("[{\"role\":\"user\",\"content\":\"Hi\",\"weight\":1}]", "messages[0].weight", "unknown_parameter")]
    public async Task Chat_BadMessages_NamesPathAndCode(string messages, string param, string code) =>
        await RefusesAsync($$"""{"model":"stub","messages":{{messages}}}""", param, code);

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}]}""", "model", "missing_required_parameter")]
    [InlineData("""{"model":7,"messages":[{"role":"user","content":"Hi"}]}""", "model", "invalid_type")]
    [InlineData("[]", null, "invalid_json")]
    [InlineData("null", null, "invalid_json")]
    [InlineData("", null, "invalid_json")]
    [InlineData("{\"model\":", null, "invalid_json")]
    [InlineData("{\"model\":\"a\",}", null, "invalid_json")]
    [InlineData("{\"model\":\"a\",\"model\":\"b\"}", null, "invalid_json")]
    [InlineData("{\"model\":\"a\"} x", null, "invalid_json")]
    [InlineData("{\"temperature\":NaN}", null, "invalid_json")]
    [InlineData("{\"model\":\"\\ud800\"}", null, "invalid_unicode")]
    [InlineData("{\"\\udc00\":1}", null, "invalid_unicode")]
    [InlineData("{\"chat_template_kwargs\":{\"a\":[\"\\ud83d\"]}}", null, "invalid_unicode")]
    public async Task Chat_BadBody_SaysWhy(string body, string? param, string code) => await RefusesAsync(body, param, code);

    [Theory]
    [InlineData("\"temperature\":0,\"top_p\":1,\"top_k\":0,\"min_p\":1,\"repetition_penalty\":2")]
    [InlineData("\"presence_penalty\":-2,\"frequency_penalty\":2,\"logit_bias\":{\"7\":-100,\"8\":100}")]
    [InlineData("\"metadata\":{\"a\":\"b\"},\"store\":true,\"service_tier\":\"auto\",\"safety_identifier\":\"x\",\"prompt_cache_key\":\"k\"")]
    [InlineData("\"tools\":[],\"tool_choice\":\"auto\",\"parallel_tool_calls\":false,\"response_format\":{\"type\":\"text\"},\"logprobs\":false,\"modalities\":[\"text\"],\"n\":1")]
    [InlineData("\"temperature\":null,\"stop\":null,\"tools\":null,\"audio\":null,\"seed\":null,\"user\":null,\"stream_options\":null")]
    [InlineData("\"chat_template_kwargs\":{\"enable_thinking\":false,\"x\":[1,{\"y\":\"\\ud83d\\ude42\"}]},\"user\":\"ada\"")]
    [InlineData("\"max_tokens\":5,\"max_completion_tokens\":5,\"seed\":-9223372036854775808")]
    [InlineData("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"\",\"parameters\":{},\"strict\":false}}],\"tool_choice\":\"none\",\"parallel_tool_calls\":false")]
    [InlineData("\"reasoning_effort\":\"high\",\"enable_thinking\":true,\"truncation\":\"disabled\",\"min_tokens\":0")]
    public async Task Chat_HarmlessOrAtTheLimits_Answers(string fields)
    {
        using var response = await gateway.Http.PostAsync(Api.Body(fields));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Chat_OutOfRange_MessageHasValueAndRange()
    {
        using var response = await gateway.Http.PostAsync(Api.Body("\"temperature\":2.5"));
        var error = await response.ErrorAsync(HttpStatusCode.BadRequest);
        Assert.Equal("Invalid 'temperature': 2.5 is out of range; expected a value from 0 to 2.", (string?)error["message"]);
        Assert.Equal("invalid_request_error", (string?)error["type"]);
    }

    [Fact]
    public async Task Chat_Malformed_MessageHasPosition()
    {
        using var response = await gateway.Http.PostAsync("{\n  \"model\": oops }");
        string message = (string)(await response.ErrorAsync(HttpStatusCode.BadRequest))["message"]!;
        Assert.StartsWith("The body is not valid JSON at line 2, byte 12:", message);
        Assert.DoesNotContain("LineNumber", message);
    }

    private async Task RefusesAsync(string body, string? param, string code)
    {
        using var response = await gateway.Http.PostAsync(body);
        var error = await response.ErrorAsync(HttpStatusCode.BadRequest);
        Assert.Equal((param, code), ((string?)error["param"], (string?)error["code"]));
    }
}
