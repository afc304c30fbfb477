using System.Net;

namespace SmolCluster.Gateway.Tests;

public sealed class TokensTests(SharedGateway gateway)
{
    [Fact]
    public async Task Tokenize_Prompt_VllmShape()
    {
        using var response = await gateway.Http.PostAsync("""{"model":"stub","prompt":"aé","return_token_strs":true}""", path: "/tokenize");
        Assert.Equal($$"""{"tokens":[97,195,169],"count":3,"max_model_len":{{SharedGateway.ContextLength}},"token_strs":["a","�","�"]}""",
            (await response.JsonAsync()).ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
    }

    [Fact]
    public async Task Tokenize_Messages_AreThePromptOfTheChat()
    {
        using var tokens = await gateway.Http.PostAsync(Api.Body(), path: "/tokenize");
        using var answer = await gateway.Http.PostAsync(Api.Body("\"max_tokens\":1"));
        Assert.Equal((int)(await answer.JsonAsync())["usage"]!["prompt_tokens"]!, (int)(await tokens.JsonAsync())["count"]!);
    }

    [Fact]
    public async Task Detokenize_GivesTheTextBack()
    {
        using var response = await gateway.Http.PostAsync("""{"model":"stub","tokens":[97,195,169]}""", path: "/detokenize");
        var text = await response.JsonAsync();
        Assert.Equal(("aé", "aé"), ((string)text["prompt"]!, (string)text["content"]!));
    }

    [Theory]
    [InlineData("/tokenize", """{"content":"a"}""", "model", "missing_required_parameter")]
    [InlineData("/tokenize", """{"model":"stub"}""", "prompt", "missing_required_parameter")]
    [InlineData("/tokenize", """{"model":"stub","prompt":"a","content":"b"}""", "prompt", "missing_required_parameter")]
    [InlineData("/tokenize", """{"model":"stub","prompt":["a"]}""", "prompt", "invalid_type")]
    [InlineData("/detokenize", """{"model":"stub","tokens":"a"}""", "tokens", "invalid_type")]
    [InlineData("/detokenize", """{"model":"stub","tokens":[4000]}""", null, "invalid_prompt")]
    public async Task Tokens_BadField_NamesFieldAndCode(string path, string body, string? param, string code)
    {
        using var response = await gateway.Http.PostAsync(body, path: path);
        var error = await response.ErrorAsync(HttpStatusCode.BadRequest);
        Assert.Equal((param, code), ((string?)error["param"], (string?)error["code"]));
    }
}
