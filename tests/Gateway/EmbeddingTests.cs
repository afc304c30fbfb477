using System.Net;
using System.Runtime.InteropServices;
using SmolCluster.Grains;

namespace SmolCluster.Gateway.Tests;

public sealed class EmbeddingTests(SharedGateway gateway)
{
    private const string Path = "/v1/embeddings";

    [Fact]
    public async Task Embed_TextsAndTokens_OpenAiShape()
    {
        await using var host = await GatewayHost.StartAsync([.. ModelCatalog.From(new() { Models = [new() { Path = ModelCatalog.DemoPath }] })]);
        await host.ReadyAsync();
        using var response = await host.Http.PostAsync($$"""{"model":"{{ModelCatalog.DemoId}}","input":["A silo is a node.","A silo is a node.","Bread and butter."]}""", path: Path);
        var list = await response.JsonAsync();
        var vectors = list["data"]!.AsArray().Select(one => one!["embedding"]!.AsArray().Select(value => (float)value!).ToArray()).ToList();
        Assert.Equal(("list", 3), ((string)list["object"]!, vectors.Count));
        Assert.Equal(vectors[0], vectors[1]);
        Assert.NotEqual(vectors[0], vectors[2]);
        Assert.Equal((int)list["usage"]!["prompt_tokens"]!, (int)list["usage"]!["total_tokens"]!);
        using var again = await host.Http.PostAsync($$"""{"model":"{{ModelCatalog.DemoId}}","input":"A silo is a node.","encoding_format":"base64"}""", path: Path);
        byte[] bytes = Convert.FromBase64String((string)(await again.JsonAsync())["data"]![0]!["embedding"]!);
        Assert.Equal(vectors[0], MemoryMarshal.Cast<byte, float>(bytes).ToArray());
    }

    [Theory]
    [InlineData("\"encoding_format\":\"float\"", "input", "missing_required_parameter")]
    [InlineData("\"input\":[]", "input", "empty_array")]
    [InlineData("\"input\":{}", "input", "invalid_type")]
    [InlineData("\"input\":[[]]", null, "invalid_prompt")]
    [InlineData("\"input\":\"a\",\"dimensions\":5", "dimensions", "unsupported_parameter")]
    [InlineData("\"input\":\"a\",\"encoding_format\":\"int8\"", "encoding_format", "invalid_value")]
    [InlineData("\"input\":\"a\"", null, "unsupported_parameter")]
    public async Task Embed_BadField_NamesFieldAndCode(string fields, string? param, string code)
    {
        using var response = await gateway.Http.PostAsync($$"""{"model":"stub",{{fields}}}""", path: Path);
        var error = await response.ErrorAsync(HttpStatusCode.BadRequest);
        Assert.Equal((param, code), ((string?)error["param"], (string?)error["code"]));
    }
}
