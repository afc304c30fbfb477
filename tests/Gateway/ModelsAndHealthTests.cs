using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Gateway.Tests;

public sealed class ModelsAndHealthTests(SharedGateway gateway)
{
    [Fact]
    public async Task Models_List_HasKindAndState()
    {
        var list = await gateway.Http.GetJsonAsync("/v1/models");
        Assert.Equal("list", (string)list["object"]!);
        var models = list["data"]!.AsArray().ToDictionary(model => (string)model!["id"]!, model => model!);
        Assert.Equal(["failed-stub", "full-stub", "loading-stub", "slow-stub", "stub"], models.Keys);
        var stub = models[SharedGateway.Quick];
        Assert.Equal("model", (string)stub["object"]!);
        Assert.Equal("stub", (string)stub["meta"]!["kind"]!);
        Assert.Equal("ready", (string)stub["meta"]!["state"]!);
        Assert.Equal(SharedGateway.ContextLength, (int)stub["meta"]!["context_length"]!);
        Assert.Equal("stub", (string)stub["meta"]!["architecture"]!);
        Assert.Equal("loading", (string)models[SharedGateway.Loading]["meta"]!["state"]!);
        Assert.Equal(0.25, (double)models[SharedGateway.Loading]["meta"]!["progress"]!);
        Assert.Equal("failed", (string)models[SharedGateway.Failed]["meta"]!["state"]!);
        Assert.Contains("middle of a tensor", (string)models[SharedGateway.Failed]["meta"]!["problem"]!);
    }

    [Fact]
    public async Task Models_One_ById()
    {
        var stub = await gateway.Http.GetJsonAsync("/v1/models/stub");
        Assert.Equal("stub", (string)stub["id"]!);
        using var missing = await gateway.Http.GetAsync(new Uri("/v1/models/org/none", UriKind.Relative), TestContext.Current.CancellationToken);
        var error = await missing.ErrorAsync(HttpStatusCode.NotFound);
        Assert.Equal("model_not_found", (string?)error["code"]);
        Assert.Contains("'org/none'", (string)error["message"]!);
    }

    [Fact]
    public async Task Health_OneModelReady_Ready()
    {
        Assert.Equal("live", (string)(await gateway.Http.GetJsonAsync("/health/live"))["status"]!);
        Assert.Equal("ready", (string)(await gateway.Http.GetJsonAsync("/health/ready"))["status"]!);
    }

    [Fact]
    public async Task Health_ModelLoadsThenFails_503WithProgressAndReason()
    {
        using var mayFail = new ManualResetEventSlim();
        var reported = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = await GatewayHost.StartAsync(new ModelSource("late", ModelKind.Real, (progress, cancellation) =>
        {
            progress.Report(0.5);
            reported.SetResult();
            mayFail.Wait(cancellation);
            throw new InvalidDataException("No tensors.");
        }));
        await reported.Task.WaitAsync(TestContext.Current.CancellationToken);
        var loading = await host.Http.GetJsonAsync("/health/ready", HttpStatusCode.ServiceUnavailable);
        Assert.Equal("loading", (string)loading["status"]!);
        Assert.Equal(0.5, (double)loading["models"]![0]!["progress"]!);
        mayFail.Set();
        string state;
        do
        {
            var report = await host.Http.GetJsonAsync("/health/ready", HttpStatusCode.ServiceUnavailable);
            state = (string)report["status"]!;
        }
        while (state == "loading");
        Assert.Equal("failed", state);
    }

    [Fact]
    public async Task Standalone_BeforeAndAfterItsSiloStarts_ConnectingThenAnswers()
    {
        var cancellation = TestContext.Current.CancellationToken;
        int clusterPort = GatewayHost.FreePort();
        var builder = GatewayHost.LoopbackBuilder();
        builder.Configuration.AddInMemoryCollection([new("SmolCluster:GatewayPort", $"{clusterPort}")]);
        builder.AddClusterConnection();
        builder.AddSmolClusterGateway();
        await using var alone = builder.Build();
        alone.MapSmolClusterGateway();
        var connecting = alone.StartAsync(cancellation);
        using var http = new HttpClient { BaseAddress = new Uri(await alone.ListeningAsync()) };

        Assert.Equal("connecting", (string)(await http.GetJsonAsync("/health/ready", HttpStatusCode.ServiceUnavailable))["status"]!);
        using var early = await http.PostAsync(Api.Body());
        Assert.Equal("cluster_connecting", (string?)(await early.ErrorAsync(HttpStatusCode.ServiceUnavailable))["code"]);
        Assert.False(connecting.IsCompleted);

        var silo = GatewayHost.LoopbackBuilder();
        silo.AddModels(clusterPort, new ModelSource("stub", ModelKind.Stub, (_, _) => new StubChatModel()));
        await using var node = silo.Build();
        await node.StartAsync(cancellation);
        await connecting;
        Assert.Equal("ready", (string)(await http.GetJsonAsync("/health/ready"))["status"]!);
        using var answer = await http.PostAsync(Api.Body("\"max_tokens\":5"));
        Assert.Equal("Hello", (string)(await answer.JsonAsync())["choices"]![0]!["message"]!["content"]!);
        await alone.StopAsync(cancellation);
        await node.StopAsync(cancellation);
    }
}

internal static class Listening
{
    /// <summary>The address, as soon as the server has it, which for this host is long before it has started.</summary>
    public static async Task<string> ListeningAsync(this WebApplication app)
    {
        while (!app.Urls.Any(url => !url.EndsWith(":0", StringComparison.Ordinal)))
            await Task.Yield();
        return app.Urls.First();
    }
}
