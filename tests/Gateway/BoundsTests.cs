using System.Net;
using System.Text;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Gateway.Tests;

/// <summary>Deadlines, and how many requests a gateway takes.</summary>
public sealed class BoundsTests
{
    [Theory]
    [InlineData("")]
    [InlineData(",\"stream\":true")]
    public async Task Chat_TimeIsOver_TellsSoAndFreesTheModel(string stream)
    {
        using var model = new StubChatModel(new StubOptions { TokenInterval = TimeSpan.FromHours(1) }, TimeProvider.System);
        await using var host = await StartAsync(_ => { }, model);
        using var response = await AskAsync(host, "\"max_tokens\":5" + stream, timeout: "0.3");
        var error = stream.Length == 0 ? await response.ErrorAsync(HttpStatusCode.GatewayTimeout)
            : System.Text.Json.Nodes.JsonNode.Parse((await response.EventsAsync())[^1].Data)!["error"]!;
        Assert.Equal("deadline_exceeded", (string?)error["code"]);
        if (stream.Length == 0)
            Assert.Equal("false", response.Headers.GetValues("x-should-retry").Single());
        await model.WhenIdle().WaitAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Chat_GatewaysOwnLimit_HoldsForLongerWishes()
    {
        using var model = new StubChatModel(new StubOptions { TokenInterval = TimeSpan.FromHours(1) }, TimeProvider.System);
        await using var host = await StartAsync(options => options.RequestLimit = TimeSpan.FromSeconds(0.3), model);
        using var response = await AskAsync(host, "\"max_tokens\":5", timeout: "3600");
        Assert.Contains("within 0.3 s", (string?)(await response.ErrorAsync(HttpStatusCode.GatewayTimeout))["message"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("soon")]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("86401")]
    public async Task Chat_TimeoutIsNoNumberOfSeconds_400(string timeout)
    {
        using var model = new StubChatModel(new StubOptions { TokenInterval = TimeSpan.Zero }, TimeProvider.System);
        await using var host = await StartAsync(_ => { }, model);
        using var response = await AskAsync(host, "\"max_tokens\":5", timeout);
        Assert.Equal("X-Request-Timeout", (string?)(await response.ErrorAsync(HttpStatusCode.BadRequest))["param"]);
    }

    [Fact]
    public async Task Chat_MoreThanTheGatewayTakes_429AndOthersHaveAPlace()
    {
        using var model = new StubChatModel(new StubOptions { TokenInterval = TimeSpan.FromHours(1) }, TimeProvider.System);
        await using var host = await StartAsync(options => options.MaxOpenRequests = 3, model);
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        List<Task> open = [];
        // one user gets two of three places, the next one the third, and then there is none
        foreach (string user in (string[])["flood", "flood", "late"])
        {
            open.Add(AskAsync(host, $"\"user\":\"{user}\"", null, leave.Token));
            while (model.ActiveGenerations < open.Count)
                await Task.Delay(10, TestContext.Current.CancellationToken);
            if (open.Count == 2)
                await RefusedAsync(host, "flood", "2 of your requests are open here");
        }
        await RefusedAsync(host, "third", "3 requests open");
        await leave.CancelAsync();
        await model.WhenIdle().WaitAsync(TestContext.Current.CancellationToken);
    }

    private static async Task RefusedAsync(GatewayHost host, string user, string expected)
    {
        using var response = await AskAsync(host, $"\"user\":\"{user}\"", null);
        Assert.Contains(expected, (string?)(await response.ErrorAsync(HttpStatusCode.TooManyRequests))["message"], StringComparison.Ordinal);
        Assert.NotNull(response.Headers.RetryAfter);
    }

    private static async Task<GatewayHost> StartAsync(Action<GatewayOptions> configure, StubChatModel model)
    {
        var host = await GatewayHost.StartAsync(configure, new ModelSource("stub", ModelKind.Stub, (_, _) => model));
        await host.ReadyAsync();
        return host;
    }

    private static Task<HttpResponseMessage> AskAsync(GatewayHost host, string fields, string? timeout, CancellationToken? cancellation = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/v1/chat/completions", UriKind.Relative)) { Content = Api.Json(Encoding.UTF8.GetBytes(Api.Body(fields))) };
        if (timeout is not null)
            request.Headers.Add("X-Request-Timeout", timeout);
        return host.Http.SendAsync(request, cancellation ?? TestContext.Current.CancellationToken);
    }
}
