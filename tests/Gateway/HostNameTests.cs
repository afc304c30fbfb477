using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;

namespace SmolCluster.Gateway.Tests;

/// <summary>Which names a gateway answers to: a page with a rebound name sends its own.</summary>
public sealed class HostNameTests(SharedGateway gateway)
{
    [Theory]
    [InlineData("GET", "/")]
    [InlineData("GET", "/v1/models")]
    [InlineData("POST", Api.Chat)]
    [InlineData("GET", "/nothing/here")]
    public async Task Loopback_ForeignHost_403WithTheNameAndTheSetting(string method, string path)
    {
        using var response = await SendAsync(gateway.Http, new HttpMethod(method), path, "rebound.example:8080");
        var error = await response.ErrorAsync(HttpStatusCode.Forbidden);
        Assert.Equal("host_not_allowed", (string?)error["code"]);
        Assert.Contains("'rebound.example:8080'", (string)error["message"]!);
        Assert.Contains("AllowedHosts", (string)error["message"]!);
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("LOCALHOST:1")]
    [InlineData("127.0.0.1:9")]
    [InlineData("[::1]:8080")]
    public async Task Loopback_OwnNames_Answers(string host)
    {
        using var response = await SendAsync(gateway.Http, HttpMethod.Get, "/v1/models", host);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("localhost.rebound.example")]
    [InlineData("127.0.0.1.rebound.example")]
    [InlineData("0.0.0.0")]
    [InlineData("192.168.0.7:8080")]
    public async Task Loopback_AlmostItsNames_403(string host)
    {
        using var response = await SendAsync(gateway.Http, HttpMethod.Get, "/v1/models", host);
        Assert.Equal("host_not_allowed", (string?)(await response.ErrorAsync(HttpStatusCode.Forbidden))["code"]);
    }

    [Theory]
    [InlineData("http://0.0.0.0:0", null, "any.example", HttpStatusCode.OK)]
    [InlineData("http://127.0.0.1:0", "chat.example;localhost", "chat.example", HttpStatusCode.OK)]
    [InlineData("http://127.0.0.1:0", "chat.example", "rebound.example", HttpStatusCode.BadRequest)]
    [InlineData("http://0.0.0.0:0", "chat.example", "rebound.example", HttpStatusCode.BadRequest)]
    public async Task BoundElsewhereOrAllowedHosts_DecidesInstead(string url, string? allowed, string host, HttpStatusCode expected)
    {
        var builder = GatewayHost.LoopbackBuilder();
        builder.WebHost.UseUrls(url);
        builder.Configuration.AddInMemoryCollection([new("AllowedHosts", allowed)]);
        builder.AddModels(GatewayHost.FreePort());
        builder.AddSmolClusterGateway();
        await using var app = builder.Build();
        app.MapSmolClusterGateway();
        await app.StartAsync(TestContext.Current.CancellationToken);
        using var http = new HttpClient { BaseAddress = new UriBuilder("http", "127.0.0.1", new Uri(app.Urls.Single()).Port).Uri };
        using var response = await SendAsync(http, HttpMethod.Get, "/", host);
        Assert.Equal(expected, response.StatusCode);
    }

    private static Task<HttpResponseMessage> SendAsync(HttpClient http, HttpMethod method, string path, string host)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.Host = host;
        return http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
