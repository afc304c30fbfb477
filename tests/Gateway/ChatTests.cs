using System.Net;
using System.Text.Json.Nodes;

namespace SmolCluster.Gateway.Tests;

public sealed class ChatTests(SharedGateway gateway)
{
    /// <summary>A byte a token, and the one that ends the answer.</summary>
    private static int AnswerTokens => System.Text.Encoding.UTF8.GetByteCount(SharedGateway.QuickText) + 1;

    [Fact]
    public async Task Chat_Plain_OpenAiShape()
    {
        using var response = await gateway.Http.PostAsync(Api.Body());
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var answer = await response.JsonAsync();
        Assert.StartsWith("chatcmpl-", (string)answer["id"]!);
        Assert.Equal("chat.completion", (string)answer["object"]!);
        Assert.Equal(SharedGateway.Quick, (string)answer["model"]!);
        Assert.InRange((long)answer["created"]!, 1_700_000_000, 10_000_000_000);
        var choice = Assert.Single(answer["choices"]!.AsArray())!;
        Assert.Equal("assistant", (string)choice["message"]!["role"]!);
        Assert.Equal(SharedGateway.QuickText, (string)choice["message"]!["content"]!);
        Assert.Equal("stop", (string)choice["finish_reason"]!);
        CheckUsage(answer["usage"]!);
    }

    [Fact]
    public async Task Chat_Streamed_RoleFirstThenTextThenReasonThenDone()
    {
        using var response = await gateway.Http.PostAsync(Api.Body("\"stream\":true"));
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.True(response.Headers.CacheControl?.NoCache);
        var events = await response.EventsAsync();
        Assert.Equal("[DONE]", events[^1].Data);
        var chunks = events[..^1].ConvertAll(happened => JsonNode.Parse(happened.Data)!);
        Assert.Single(chunks.Select(chunk => (string)chunk["id"]!).Distinct());
        Assert.All(chunks, chunk => Assert.Equal("chat.completion.chunk", (string)chunk["object"]!));
        Assert.All(chunks, chunk => Assert.Null(chunk["usage"]));
        Assert.Equal("assistant", (string)chunks[0]["choices"]![0]!["delta"]!["role"]!);
        string text = string.Concat(chunks.Select(chunk => (string?)chunk["choices"]![0]!["delta"]!["content"]));
        Assert.Equal(SharedGateway.QuickText, text);
        Assert.All(chunks[..^1], chunk => Assert.Null(chunk["choices"]![0]!["finish_reason"]));
        Assert.Equal("stop", (string)chunks[^1]["choices"]![0]!["finish_reason"]!);
        // event 2, the beginning of prefill, has no chunk
        Assert.Equal(Enumerable.Range(1, chunks.Count + 1).Where(number => number != 2).Select(number => $"{number}"), events[..^1].Select(happened => happened.Id));
    }

    [Fact]
    public async Task Chat_StreamedWithUsage_LastChunkHasUsageAndNoChoice()
    {
        using var response = await gateway.Http.PostAsync(Api.Body("\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
        var last = JsonNode.Parse((await response.EventsAsync())[^2].Data)!;
        Assert.Empty(last["choices"]!.AsArray());
        CheckUsage(last["usage"]!);
    }

    [Theory]
    [InlineData("\"max_tokens\":5", "Hello", "length")]
    [InlineData("\"max_completion_tokens\":5", "Hello", "length")]
    [InlineData("\"stop\":\"stub\"", "Hello, I am the **", "stop")]
    [InlineData("\"stop\":[\"never\",\", I\"]", "Hello", "stop")]
    public async Task Chat_Limits_CutTheAnswer(string fields, string text, string reason)
    {
        using var response = await gateway.Http.PostAsync(Api.Body(fields));
        var choice = (await response.JsonAsync())["choices"]![0]!;
        Assert.Equal((text, reason), ((string)choice["message"]!["content"]!, (string)choice["finish_reason"]!));
    }

    [Fact]
    public async Task Chat_TextParts_CountLikeTheSameString()
    {
        using var whole = await gateway.Http.PostAsync("""{"model":"stub","messages":[{"role":"developer","content":"Be brief."}]}""");
        using var parts = await gateway.Http.PostAsync("""
            {"model":"stub","messages":[{"role":"system","content":[{"type":"text","text":"Be "},{"type":"text","text":"brief."}]}]}
            """);
        Assert.Equal((int)(await whole.JsonAsync())["usage"]!["prompt_tokens"]!, (int)(await parts.JsonAsync())["usage"]!["prompt_tokens"]!);
    }

    [Fact]
    public async Task Chat_Seed_IsToldAsUsed()
    {
        using var given = await gateway.Http.PostAsync(Api.Body("\"seed\":-42"));
        Assert.Equal("-42", given.Headers.GetValues("X-SmolCluster-Seed").Single());
        using var drawn = await gateway.Http.PostAsync(Api.Body());
        Assert.InRange(long.Parse(drawn.Headers.GetValues("X-SmolCluster-Seed").Single()), 0, 1L << 53);
    }

    [Theory]
    [InlineData("nowhere", HttpStatusCode.NotFound, "model_not_found", false)]
    [InlineData(SharedGateway.Loading, HttpStatusCode.ServiceUnavailable, "model_loading", true)]
    [InlineData(SharedGateway.Failed, HttpStatusCode.ServiceUnavailable, "model_failed", false)]
    [InlineData(SharedGateway.Full, HttpStatusCode.TooManyRequests, "queue_full", true)]
    public async Task Chat_Refused_IsAStatusEvenWhenStreamed(string model, HttpStatusCode status, string code, bool again)
    {
        foreach (string fields in new[] { "", "\"stream\":true" })
        {
            using var response = await gateway.Http.PostAsync(Api.Body(fields, model));
            Assert.Equal(code, (string?)(await response.ErrorAsync(status))["code"]);
            Assert.Equal(again, response.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public async Task Chat_UnknownModel_NamesTheModelsThereAre()
    {
        using var response = await gateway.Http.PostAsync(Api.Body(model: "gpt-9"));
        string message = (string)(await response.ErrorAsync(HttpStatusCode.NotFound))["message"]!;
        Assert.Contains("'gpt-9'", message);
        Assert.Contains($"'{SharedGateway.Quick}'", message);
        Assert.Contains($"'{SharedGateway.Slow}'", message);
    }

    [Theory]
    [InlineData(5000, "")]
    [InlineData(1, "\"max_tokens\":5000")]
    public async Task Chat_LongerThanContext_400WithCounts(int length, string fields)
    {
        string body = Api.Body(fields).Replace("Hi", new string('x', length));
        using var response = await gateway.Http.PostAsync(body);
        var error = await response.ErrorAsync(HttpStatusCode.BadRequest);
        Assert.Equal("context_length_exceeded", (string?)error["code"]);
        Assert.Contains($"{SharedGateway.ContextLength}", (string)error["message"]!);
    }

    private static void CheckUsage(JsonNode usage)
    {
        int prompt = (int)usage["prompt_tokens"]!;
        Assert.True(prompt > 0);
        Assert.Equal(AnswerTokens, (int)usage["completion_tokens"]!);
        Assert.Equal(prompt + AnswerTokens, (int)usage["total_tokens"]!);
        Assert.Equal(0, (int)usage["prompt_tokens_details"]!["cached_tokens"]!);
    }
}
