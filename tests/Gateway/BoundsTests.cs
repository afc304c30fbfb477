using System.Net;
using System.Text;
using SmolCluster.Engine.Serving;
using SmolCluster.Gateway.Errors;
using SmolCluster.Gateway.Requests;
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
    public async Task Chat_MoreThanACallerMayHaveOpen_429UntilSomeHaveEnded()
    {
        using var model = new StubChatModel(new StubOptions { TokenInterval = TimeSpan.FromHours(1) }, TimeProvider.System);
        await using var host = await StartAsync(options => options.MaxOpenRequests = 3, model);
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        for (int open = 1; open <= 2; open++)
        {
            _ = AskAsync(host, "\"max_tokens\":5", null, leave.Token);
            while (model.ActiveGenerations < open)
                await Task.Delay(10, TestContext.Current.CancellationToken);
        }
        using (var refused = await AskAsync(host, "\"max_tokens\":5", null))
        {
            Assert.Contains("2 of your requests are open", (string?)(await refused.ErrorAsync(HttpStatusCode.TooManyRequests))["message"], StringComparison.Ordinal);
            Assert.NotNull(refused.Headers.RetryAfter);
        }
        await leave.CancelAsync();
        await model.WhenIdle().WaitAsync(TestContext.Current.CancellationToken);
        for (bool taken = false; !taken;)
        {
            using var again = await AskAsync(host, "\"max_tokens\":5", "0.2");
            taken = again.StatusCode == HttpStatusCode.GatewayTimeout;
        }
    }

    [Fact]
    public void Enter_OneCallerFloods_OthersHaveAPlace()
    {
        var admission = new Admission(Microsoft.Extensions.Options.Options.Create(new GatewayOptions { MaxOpenRequests = 7 }));
        Assert.Equal(4, Fill(admission, "flood"));
        Assert.Equal(2, Fill(admission, "second"));
        using (admission.Enter("third"))
            Assert.Contains("7 requests open", Assert.Throws<ApiException>(() => admission.Enter("fourth")).Message, StringComparison.Ordinal);
        admission.Enter("fourth").Dispose();
    }

    private static int Fill(Admission admission, string caller)
    {
        for (int entered = 0; ; entered++)
        {
            try
            {
                _ = admission.Enter(caller);
            }
            catch (ApiException)
            {
                return entered;
            }
        }
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
