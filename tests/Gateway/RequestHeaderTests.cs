using System.Net;
using System.Net.Sockets;
using System.Text;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Gateway.Tests;

/// <summary>What goes with every request beside its body: its id, the page's origin it comes from, and the time it may take.</summary>
public sealed class RequestHeaderTests(SharedGateway gateway)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("my-id_1.2:3", true)]
    [InlineData("two words", false)]
    [InlineData("", false)]
    public async Task RequestId_Given_ComesBackIfItIsOne(string given, bool kept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models/none");
        request.Headers.TryAddWithoutValidation("x-request-id", given);
        using var response = await gateway.Http.SendAsync(request, Cancellation);
        string id = response.Headers.GetValues("x-request-id").Single();
        Assert.Equal(id, response.Headers.GetValues("request-id").Single());
        if (kept)
            Assert.Equal(given, id);
        else
            Assert.Matches("^req_[0-9a-f]{32}$", id);
    }

    [Theory]
    [InlineData("https://chat.example", true)]
    [InlineData("https://other.example", false)]
    public async Task Cors_Preflight_AllowsConfiguredOriginsOnly(string origin, bool allowed)
    {
        await using var host = await GatewayHost.StartAsync(options => options.CorsOrigins.Add("https://chat.example"), Stub("x"));
        using var request = new HttpRequestMessage(HttpMethod.Options, Api.Chat);
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Access-Control-Request-Method", "POST");
        request.Headers.Add("Access-Control-Request-Headers", "authorization,content-type");
        using var response = await host.Http.SendAsync(request, Cancellation);
        Assert.Equal(allowed, response.Headers.TryGetValues("Access-Control-Allow-Origin", out var origins));
        Assert.Equal(allowed ? [origin] : [], origins ?? []);
    }

    [Fact]
    public async Task HalfOpenConnection_HeadersNeverEnd_IsClosed()
    {
        await using var host = await GatewayHost.StartAsync(options => options.HeadersTimeout = TimeSpan.FromMilliseconds(500), Stub("x"));
        using var client = await ConnectAsync(host, "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n");
        Assert.Contains("408", await ReadToEndAsync(client));
    }

    [Fact]
    public async Task SlowSender_BodyNeverComes_408()
    {
        await using var host = await GatewayHost.StartAsync(options => options.SlowGrace = TimeSpan.FromSeconds(1.1), Stub("x"));
        using var client = await ConnectAsync(host,
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
        string answer = await ReadToEndAsync(client);
        Assert.StartsWith("HTTP/1.1 408", answer);
    }

    /// <summary>The answer is larger than all buffers on its way, so that it stalls; the server cuts the connection then, and what
    /// becomes of an answer whose connection is gone is tested elsewhere.</summary>
    [Fact]
    public async Task SlowReader_NeverReads_IsCutOff()
    {
        var big = new StubOptions { Id = "big-stub", Text = new string('x', 100_000), TokenInterval = TimeSpan.Zero, ContextLength = 200_000 };
        await using var host = await GatewayHost.StartAsync(options => options.StallLimit = TimeSpan.FromMilliseconds(300),
            new ModelSource(big.Id, ModelKind.Stub, (_, _) => new StubChatModel(big, TimeProvider.System)));
        await host.ReadyAsync();
        string body = Api.Body("\"stream\":true", big.Id);
        using var client = await ConnectAsync(host,
            $"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            using var often = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
            while (await often.WaitForNextTickAsync(Cancellation))
                await client.GetStream().WriteAsync("\n"u8.ToArray(), Cancellation); // fails once the other end is gone
        });
    }

    private static ModelSource Stub(string id) => new(id, ModelKind.Stub, (_, _) => new StubChatModel());

    private static async Task<TcpClient> ConnectAsync(GatewayHost host, string text)
    {
        var client = new TcpClient { ReceiveBufferSize = 4096 };
        await client.ConnectAsync(IPAddress.Loopback, new Uri(host.Url).Port, Cancellation);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text), Cancellation);
        return client;
    }

    private static async Task<string> ReadToEndAsync(TcpClient client)
    {
        var all = new StringBuilder();
        byte[] piece = new byte[64 * 1024];
        try
        {
            while (await client.GetStream().ReadAsync(piece, Cancellation) is > 0 and var count)
                all.Append(Encoding.UTF8.GetString(piece, 0, count));
        }
        catch (IOException)
        {
            // reset: what had been sent is all there is
        }
        return all.ToString();
    }
}
