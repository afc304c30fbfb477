using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Gateway.Tests;

/// <summary>Programs of others against the gateway: the official clients of the dialects that it speaks, in Node's test runner. Each script
/// chats, streams, calls tools, reasons, keeps to a schema, leaves early, reads errors and lists models; each has a gateway of its own,
/// which has nothing left to do when the script is over.</summary>
public sealed class ClientTests
{
    [Theory]
    [InlineData("openai.test.mjs")]
    [InlineData("responses.test.mjs")]
    [InlineData("anthropic.test.mjs")]
    [InlineData("ollama.test.mjs")]
    [InlineData("ai.test.mjs")]
    public async Task OfficialClient_AllThatItCan_Works(string script)
    {
        // each of its answers would go on for 40 seconds
        var slow = new StubChatModel(Stub(SharedGateway.Slow, new string('x', 8000)) with { TokenInterval = TimeSpan.FromMilliseconds(5) }, TimeProvider.System);
        var quick = Stub(SharedGateway.Quick, SharedGateway.QuickText);
        await using var host = await GatewayHost.StartAsync([Demo, new ModelSource(slow.Card.Id, ModelKind.Stub, (_, _) => slow),
            new ModelSource(quick.Id, ModelKind.Stub, (_, _) => new StubChatModel(quick, TimeProvider.System))]);
        await host.AllReadyAsync();
        await NodeScripts.RunAsync(script, new Dictionary<string, string>
        {
            ["SMOL_URL"] = host.Url,
            ["SMOL_STUB"] = "1",
            ["SMOL_MODEL"] = SharedGateway.Quick,
            ["SMOL_SLOW_MODEL"] = SharedGateway.Slow,
            ["SMOL_THINKING_MODEL"] = SharedGateway.Quick,
            ["SMOL_CALLING_MODEL"] = SharedGateway.Quick,
            ["SMOL_FORM_MODEL"] = ModelCatalog.DemoId,
            ["SMOL_ANSWER"] = SharedGateway.QuickText,
        });
        await slow.WhenIdle().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task OfficialClients_DemoModel_ChatStreamKeepToSchemasAndReadErrors()
    {
        await using var host = await StartDemoAsync();
        var variables = new Dictionary<string, string> { ["SMOL_URL"] = host.Url, ["SMOL_MODEL"] = ModelCatalog.DemoId, ["SMOL_FORM_MODEL"] = ModelCatalog.DemoId, ["SMOL_EMBEDS"] = "1" };
        await NodeScripts.RunAsync("openai.test.mjs", variables);
        await NodeScripts.RunAsync("ollama.test.mjs", variables);
    }

    /// <summary>The calls of the tests that OpenAI generates for its own client.</summary>
    [Fact]
    public async Task OpenAiGeneratedCalls_PassOrAreRefusedByName()
    {
        await using var host = await StartDemoAsync();
        await NodeScripts.RunAsync("generated.test.mjs", new Dictionary<string, string> { ["SMOL_URL"] = host.Url, ["SMOL_MODEL"] = ModelCatalog.DemoId });
    }

    private static ModelSource Demo => ModelCatalog.From(new() { Models = [new() { Path = ModelCatalog.DemoPath }] }).Single();

    private static async Task<GatewayHost> StartDemoAsync()
    {
        var host = await GatewayHost.StartAsync(Demo);
        await host.ReadyAsync();
        return host;
    }

    private static StubOptions Stub(string id, string text) => SharedGateway.QuickOptions with { Id = id, Text = text, ContextLength = 16_384 };
}
