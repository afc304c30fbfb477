using System.Net;
using System.Text.Json.Nodes;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Gateway.Tests;

/// <summary>On gateways of their own, because their model is unloaded in the middle of an answer.</summary>
public sealed class InterruptionTests
{
    [Fact]
    public async Task Chat_ModelUnloadedWhileStreaming_EndsWithAnErrorAndWithoutDone()
    {
        using var model = Slow();
        await using var host = await StartAsync(model);
        var answering = host.Http.PostAsync(Api.Body("\"stream\":true"));
        await UnloadAsync(model, answering);
        using var response = await answering;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var last = JsonNode.Parse((await response.EventsAsync())[^1].Data)!;
        Assert.Equal("stream_broken", (string?)last["error"]!["code"]);
    }

    [Fact]
    public async Task Chat_ModelUnloadedWhileCollecting_502()
    {
        using var model = Slow();
        await using var host = await StartAsync(model);
        var answering = host.Http.PostAsync(Api.Body());
        await UnloadAsync(model, answering);
        using var response = await answering;
        Assert.Equal("stream_broken", (string?)(await response.ErrorAsync(HttpStatusCode.BadGateway))["code"]);
        Assert.NotNull(response.Headers.RetryAfter);
    }

    private static StubChatModel Slow() =>
        new(new StubOptions { Text = new string('x', 8000), TokenInterval = TimeSpan.FromMilliseconds(5) }, TimeProvider.System);

    private static async Task<GatewayHost> StartAsync(StubChatModel model)
    {
        // nobody else has the model, so trying elsewhere is in vain
        var host = await GatewayHost.StartAsync(options => options.ResumeLimit = TimeSpan.Zero, new ModelSource("stub", ModelKind.Stub, (_, _) => model));
        await host.ReadyAsync();
        return host;
    }

    private static async Task UnloadAsync(StubChatModel model, Task answering)
    {
        while (model.ActiveGenerations == 0 && !answering.IsCompleted)
            await Task.Yield();
        model.Dispose();
    }
}
