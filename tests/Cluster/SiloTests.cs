using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SmolCluster.Contracts;
using SmolCluster.Grains;
using SmolCluster.Silo;

namespace SmolCluster.Cluster.Tests;

/// <summary>The node as its programs compose it: a web host on loopback with free ports.</summary>
public sealed class SiloTests
{
    [Fact]
    public async Task Silo_WithTheStub_AnswersInItsOwnProcess()
    {
        await using var app = await Started(new() { ["Models:0:Path"] = "stub" });
        var models = await app.Services.GetRequiredService<IGrainFactory>().GetGrain<IModelsGrain>(0).List();
        Assert.Equal(("stub", "stub", "ready"), (models.Single().Id, models.Single().Kind, models.Single().State));

        var conversation = app.Services.GetRequiredService<IGrainFactory>().GetGrain<IConversationGrain>("here");
        var events = await conversation.Answer(Requests.Hello(maxTokens: 2));
        Assert.Equal(("He", "length"), (events.Text(), events.Finish().Reason));
    }

    [Fact]
    public async Task Health_WithTheStub_IsLiveAndReadyAndTheDashboardIsLocal()
    {
        await using var app = await Started(new() { ["Models:0:Path"] = "stub" });
        using var http = new HttpClient { BaseAddress = new(app.Urls.Single()) };
        Assert.Equal(HttpStatusCode.OK, (await Get(http, "/health/live")).StatusCode);
        var ready = await Get(http, "/health/ready");
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        Assert.Contains("\"status\":\"ready\"", await ready.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await Get(http, "/orleans/")).StatusCode);
        foreach (string path in (string[])["/orleans", "/orleans/index.min.js", "/orleans/ClusterStats"])
            Assert.Equal(HttpStatusCode.OK, (await Get(http, path)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Get(http, "/orleans/", host: "rebound.example")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Get(http, "/orleans/ClusterStats", host: "rebound.example")).StatusCode);
        foreach (string header in (string[])["Forwarded", "X-Forwarded-For", "x-forwarded-host", "X-Real-IP", "Via"])
            Assert.Equal(HttpStatusCode.NotFound, (await Get(http, "/orleans/", header: header)).StatusCode);
    }

    [Fact]
    public async Task Health_FailedModel_IsLiveButNotReadyAndTellsWhy()
    {
        using var folder = new TemporaryFile("this is no model");
        await using var app = await Started(new() { ["Models:0:Path"] = folder.Path, ["Models:0:Id"] = "odd" });
        using var http = new HttpClient { BaseAddress = new(app.Urls.Single()) };
        Assert.Equal(HttpStatusCode.OK, (await Get(http, "/health/live")).StatusCode);
        var ready = await Get(http, "/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        var text = await ready.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("\"id\":\"odd\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\"problem\":null", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Models:0:Path", "no/such.gguf", "There is no model file 'no/such.gguf', seen from ")]
    [InlineData("Models:0:Path", "", "A model has no Path")]
    [InlineData("Models:0:Id", "gpt-4o", "The stub cannot be called 'gpt-4o': its name must contain \"stub\"")]
    [InlineData("Threads", "0", "SmolCluster:Threads is 0")]
    [InlineData("KvMemoryMiB", "0", "SmolCluster:KvMemoryMiB is 0; it must be at least 1")]
    [InlineData("ContextLength", "-1", "SmolCluster:ContextLength is -1")]
    [InlineData("GatewayPort", "70000", "SmolCluster:GatewayPort is 70000")]
    [InlineData("KvType", "f17", "SmolCluster:KvType is 'f17'; it must be one of F16, F32, Q8_0")]
    [InlineData("Models:1:Path", "stub", "Two models are called 'stub'")]
    [InlineData("Models:0:Adapters:0:Id", "a", "The adapter 'a' is for a stub")]
    [InlineData("Models:0:Adapters:0:Path", "a.gguf", "An adapter of 'stub' has no Id")]
    public async Task SettingsProblem_WrongSetting_NamesIt(string key, string value, string expected)
    {
        await using var app = Built(new() { ["Models:0:Path"] = "stub", [key] = value });
        Assert.Contains(expected, app.SettingsProblem(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SettingsProblem_NoModel_SaysWhatToSet()
    {
        await using var app = Built([]);
        Assert.Contains("set SmolCluster:Models:0:Path", app.SettingsProblem(), StringComparison.Ordinal);
    }

    private static async Task<WebApplication> Started(Dictionary<string, string?> settings)
    {
        var app = Built(settings);
        await app.StartAsync(TestContext.Current.CancellationToken);
        await app.Services.GetRequiredService<ModelHost>().Settled;
        return app;
    }

    private static WebApplication Built(Dictionary<string, string?> settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create("SmolCluster:" + setting.Key, setting.Value)));
        builder.AddSmolClusterSilo(options => (options.SiloPort, options.GatewayPort) = (0, options.GatewayPort == 30000 ? 0 : options.GatewayPort));
        var app = builder.Build();
        app.MapSiloHealth();
        app.MapSiloDashboard();
        return app;
    }

    private static Task<HttpResponseMessage> Get(HttpClient http, string path, string? host = null, string? header = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Host = host;
        if (header is not null) request.Headers.TryAddWithoutValidation(header, "1.1 proxy");
        return http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private sealed class TemporaryFile : IDisposable
    {
        public TemporaryFile(string text) => File.WriteAllText(Path, text);

        public string Path { get; } = System.IO.Path.GetTempFileName();

        public void Dispose() => File.Delete(Path);
    }
}
