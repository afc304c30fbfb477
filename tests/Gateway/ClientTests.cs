using SmolCluster.Grains;

namespace SmolCluster.Gateway.Tests;

/// <summary>Programs of others against the gateway: OpenAI's own client and a browser, in Node's test runner.</summary>
public sealed class ClientTests(SharedGateway gateway)
{
    [Fact]
    public async Task OpenAiClient_ChatsStreamsStopsAndReadsErrors() => await NodeScripts.RunAsync("openai.test.mjs", Variables());

    [Fact]
    public async Task OpenAiClient_DemoModel_ChatsStreamsAndReadsErrors()
    {
        await using var host = await GatewayHost.StartAsync([.. ModelCatalog.From(new() { Models = [new() { Path = ModelCatalog.DemoPath }] })]);
        await host.ReadyAsync();
        await NodeScripts.RunAsync("openai.test.mjs", new Dictionary<string, string>
        {
            ["SMOL_URL"] = host.Url,
            ["SMOL_MODEL"] = ModelCatalog.DemoId,
        });
    }

    [Fact]
    public async Task Browser_ChatPage_Works()
    {
        string chromium = NodeScripts.Require(Environment.GetEnvironmentVariable("CHROMIUM") ?? "chromium", "apt-get install chromium");
        var variables = Variables();
        variables["CHROMIUM"] = chromium;
        await NodeScripts.RunAsync("page.test.mjs", variables);
    }

    private Dictionary<string, string> Variables() => new()
    {
        ["SMOL_URL"] = gateway.Url,
        ["SMOL_MODEL"] = SharedGateway.Quick,
        ["SMOL_SLOW_MODEL"] = SharedGateway.Slow,
        ["SMOL_ANSWER"] = SharedGateway.QuickText,
    };
}
