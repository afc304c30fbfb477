using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SmolCluster.Gateway.Tests;

/// <summary>The OpenAPI document and the page that shows it.</summary>
public sealed class ApiReferenceTests(SharedGateway gateway)
{
    [Fact]
    public async Task Document_HasEveryDialectWithItsFieldsAndAnswersAsTheyAreSent()
    {
        var document = await gateway.Http.GetJsonAsync("/openapi/v1.json");
        var paths = document["paths"]!.AsObject();
        foreach (string path in new[] { "/v1/chat/completions", "/v1/responses", "/v1/messages", "/api/chat", "/api/generate" })
        {
            var post = paths[path]!["post"]!;
            Assert.NotEmpty((string)post["summary"]!);
            Assert.NotNull(post["requestBody"]!["content"]!["application/json"]!["schema"]!["properties"]!["model"]);
        }
        foreach (string path in new[] { "/v1/models", "/health/ready", "/api/tags", "/v1/responses/{id}" })
            Assert.True(paths.ContainsKey(path), path);
        Assert.Contains("finish_reason", document.ToJsonString());
        Assert.DoesNotContain("finishReason", document.ToJsonString());
    }

    /// <summary>Its example must be a request that works.</summary>
    [Fact]
    public async Task Document_Examples_AreAnswered()
    {
        var paths = (await gateway.Http.GetJsonAsync("/openapi/v1.json"))["paths"]!.AsObject();
        int tried = 0;
        foreach (var (path, operations) in paths)
        {
            if (operations!["post"]?["requestBody"]?["content"]?["application/json"]?["example"] is not JsonObject example
                || path == "/api/embed") // the stub has no vectors
                continue;
            example["model"] = SharedGateway.Quick;
            using var content = Api.Json(System.Text.Encoding.UTF8.GetBytes(example.ToJsonString()));
            using var response = await gateway.Http.PostAsync(new Uri(path, UriKind.Relative), content, TestContext.Current.CancellationToken);
            Assert.True(response.StatusCode == HttpStatusCode.OK, $"{path}: {await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
            tried++;
        }
        Assert.True(tried >= 6);
    }

    [Fact]
    public async Task Page_AsksNobodyElse()
    {
        using var page = await gateway.Http.GetAsync(new Uri("/reference/", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Contains("default-src 'self'", page.Headers.GetValues("Content-Security-Policy").Single());
        string html = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.DoesNotMatch(new Regex("(src|href)=\"(https?:)?//"), html);
    }
}
