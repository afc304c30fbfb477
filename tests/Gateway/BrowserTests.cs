using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Gateway.Tests;

/// <summary>The pages in a real browser, in Node's test runner, on a gateway of their own with stubs that answer at once, slowly, and
/// with all of Markdown.</summary>
public sealed class BrowserTests(ITestOutputHelper output)
{
    private const string Rich = "rich-stub", Asking = "asking-stub", Streaming = "streaming-stub";
    private static readonly string Answer = File.ReadAllText(Path.Combine(Repository.Root, "tests", "Gateway", "clients", "answer.md"));

    [Theory]
    [InlineData("page.test.mjs")]
    [InlineData("conversations.test.mjs")]
    public async Task ChatPage_InABrowser_Works(string script)
    {
        var variables = Variables();
        await using var host = await GatewayHost.StartAsync(Stubs());
        await host.ReadyAsync();
        variables["SMOL_URL"] = host.Url;
        await NodeScripts.RunAsync(script, variables);
    }

    /// <summary>First paint, long tasks while an answer streams, memory over many answers: the figures stand in this test's output.</summary>
    [Fact]
    public async Task ChatPage_Figures_StayWithinCoarseBounds()
    {
        var variables = Variables();
        await using var host = await GatewayHost.StartAsync([.. Stubs(), Stub(SharedGateway.QuickOptions with
        {
            Id = Streaming,
            Text = string.Concat(Enumerable.Repeat(Answer + "\n", 8)),
            TokenInterval = TimeSpan.FromMilliseconds(2),
            ContextLength = 8192,
        })]);
        await host.ReadyAsync();
        variables["SMOL_URL"] = host.Url;
        variables["SMOL_STREAM_MODEL"] = Streaming;
        string printed = await NodeScripts.RunAsync("figures.test.mjs", variables);
        foreach (string line in printed.Split('\n').Where(line => line.Contains("FIGURE", StringComparison.Ordinal)))
            output.WriteLine(line.Trim());
    }

    [Fact]
    public async Task ClusterPage_TwoSilosInABrowser_ShowsThemAndDrainsOne()
    {
        var variables = Variables();
        await using var first = await GatewayHost.StartAsync(Stubs());
        await using var second = await GatewayHost.StartAsync(first.SiloPort, Stubs());
        await Task.WhenAll(first.ReadyAsync(), second.ReadyAsync());
        variables["SMOL_URL"] = first.Url;
        variables["SMOL_SILOS"] = "2";
        variables["SMOL_DRAINED"] = second.SiloName;
        var drained = second.WaitForShutdownAsync();
        await NodeScripts.RunAsync("cluster.test.mjs", variables);
        await drained;
    }

    private static ModelSource[] Stubs() =>
    [
        Stub(SharedGateway.QuickOptions),
        Stub(SharedGateway.QuickOptions with
        {
            Id = SharedGateway.Slow,
            Text = string.Concat(Enumerable.Repeat("Slow words come one by one. ", 60)),
            TokenInterval = TimeSpan.FromMilliseconds(2),
        }),
        Stub(SharedGateway.QuickOptions with { Id = Rich, Text = Answer }),
        Stub(SharedGateway.QuickOptions with { Id = Asking, Text = "- What is a grain?\n- How big is a page?\n" }),
    ];

    private static ModelSource Stub(StubOptions options) => new(options.Id, ModelKind.Stub, (_, _) => new StubChatModel(options, TimeProvider.System));

    private static Dictionary<string, string> Variables() => new()
    {
        ["CHROMIUM"] = NodeScripts.Require(Environment.GetEnvironmentVariable("CHROMIUM") ?? "chromium", "apt-get install chromium"),
        ["SMOL_MODEL"] = SharedGateway.Quick,
        ["SMOL_SLOW_MODEL"] = SharedGateway.Slow,
        ["SMOL_RICH_MODEL"] = Rich,
        ["SMOL_ASKING_MODEL"] = Asking,
        ["SMOL_ANSWER"] = SharedGateway.QuickText,
    };
}
