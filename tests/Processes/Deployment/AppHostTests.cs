using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using SmolCluster.Chaos;
using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests.Deployment;

/// <summary>The AppHost's wiring without Aspire: the projects and variables that it gives them are those that there are, and real processes
/// that get exactly these variables are a cluster that answers and tells its telemetry.</summary>
public sealed class AppHostTests
{
    private const int Silos = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    // of the programs' hosts and of Aspire's own making
    private static readonly string[] s_ofTheHost = ["OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY", "ASPNETCORE_FORWARDEDHEADERS_ENABLED"];

    private readonly AppHostManifest _manifest = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void Manifest_Projects_AreThoseThatTheAppHostRefersTo()
    {
        Assert.Equal(["gateway", "silo"], _manifest.Projects.Order());
        string project = File.ReadAllText(Path.Combine(AppHostManifest.Folder, "SmolCluster.AppHost.csproj"));
        var referred = Regex.Matches(project, "ProjectReference Include=\"([^\"]+)\"").Select(static match => Path.GetFullPath(Path.Combine(AppHostManifest.Folder, match.Groups[1].Value)));
        Assert.Equal(referred.Order(), _manifest.Projects.Select(_manifest.PathOf).Order());
        Assert.All(_manifest.Projects, name => Assert.True(File.Exists(_manifest.PathOf(name)), _manifest.PathOf(name)));
        Assert.Contains("AppHost/SmolCluster.AppHost.csproj", File.ReadAllText(Path.Combine(TestData.RepositoryRoot, "aspire", "AppHost.slnx")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("silo")]
    [InlineData("gateway")]
    public void Manifest_EveryVariable_IsOneThatNodesRead(string project) =>
        Assert.DoesNotContain(_manifest.Variables(project, "redis", "demo").Keys, name => !ConfigurationReference.Knows(name) && !s_ofTheHost.Contains(name));

    [Fact]
    public async Task Manifest_ItsVariablesInRealProcesses_AreAClusterThatAnswers()
    {
        Requirement.Program("redis-server", "apt-get install redis-server");
        string logs = Directory.CreateTempSubdirectory("smol-apphost-").FullName;
        await using var telemetry = await OtlpReceiver.StartAsync(Cancellation);
        await using var redis = new RedisServer(logs);
        await redis.StartAsync(Cancellation);
        var silos = Enumerable.Range(1, Silos).Select(number => Start("silo", "SmolCluster.Silo.dll", $"silo-{number}")).ToArray();
        var gateway = Start("gateway", "SmolCluster.Gateway.dll", "gateway-1");
        try
        {
            foreach (var (_, url) in silos.Append(gateway)) // as WaitFor and WithHttpHealthCheck do
                await ReadyAsync(url);
            using var answer = await ClusterProcesses.Http.PostAsJsonAsync($"{gateway.Url}/v1/chat/completions",
                new { model = "smolcluster-demo", temperature = 0, messages = (object[])[new { role = "user", content = "What is a silo?" }] }, Cancellation);
            Assert.Contains("silo", (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
            using var cluster = JsonDocument.Parse(await ClusterProcesses.Http.GetStringAsync($"{gateway.Url}/v1/cluster", Cancellation));
            Assert.Equal(Silos, cluster.RootElement.GetProperty("silos").GetArrayLength());
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            limit.CancelAfter(Patience);
            var chat = await telemetry.FirstAsync(static span => span is { Service: "gateway-1", Name: "chat smolcluster-demo" }, limit.Token);
            await telemetry.FirstAsync(span => span.Service.StartsWith("silo-", StringComparison.Ordinal) && span.Trace == chat.Trace && span.Name == "decode", limit.Token);
        }
        finally
        {
            foreach (var (process, _) in silos.Append(gateway))
                await process.DisposeAsync();
        }
        Directory.Delete(logs, recursive: true);

        (ServerProcess Process, string Url) Start(string project, string program, string name)
        {
            var variables = _manifest.Variables(project, redis.Address, "demo");
            string url = variables["ASPNETCORE_URLS"];
            variables["OTEL_SERVICE_NAME"] = name;
            foreach (var (key, value) in telemetry.Settings)
                variables[key] = value;
            return (ServerProcess.Start(name, logs, "dotnet", [Path.Combine(AppContext.BaseDirectory, program)], variables), url);
        }
    }

    private static async Task ReadyAsync(string url)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(Patience);
        while (true)
        {
            try
            {
                using var response = await ClusterProcesses.Http.GetAsync($"{url}/health/ready", limit.Token);
                if (response.IsSuccessStatusCode)
                    return;
            }
            catch (HttpRequestException)
            {
                // it does not listen yet
            }
            await Task.Delay(100, limit.Token);
        }
    }
}
