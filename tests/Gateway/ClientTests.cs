using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Gateway.Tests;

/// <summary>Programs of others against the gateway: OpenAI's own client, in Node's test runner.</summary>
public sealed class ClientTests(SharedGateway gateway)
{
    /// <summary>On a gateway of its own, because it asks at the end whether the answers that the script left have stopped: each
    /// would go on for 40 seconds.</summary>
    [Fact]
    public async Task OpenAiClient_ChatsStreamsStopsAndReadsErrors()
    {
        var slow = new StubChatModel(new StubOptions { Id = SharedGateway.Slow, Text = new string('x', 8000), TokenInterval = TimeSpan.FromMilliseconds(5) },
            TimeProvider.System);
        await using var host = await GatewayHost.StartAsync(
            new ModelSource(SharedGateway.Quick, ModelKind.Stub, (_, _) => new StubChatModel(SharedGateway.QuickOptions, TimeProvider.System)),
            new ModelSource(SharedGateway.Slow, ModelKind.Stub, (_, _) => slow));
        await host.ReadyAsync();
        var variables = Variables();
        variables["SMOL_URL"] = host.Url;
        variables["SMOL_STUB"] = "1";
        await NodeScripts.RunAsync("openai.test.mjs", variables);
        await slow.WhenIdle().WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
    }

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
        await NodeScripts.RunAsync("ollama.test.mjs", new Dictionary<string, string> { ["SMOL_URL"] = host.Url, ["SMOL_MODEL"] = ModelCatalog.DemoId, ["SMOL_EMBEDS"] = "1" });
    }

    /// <summary>On a gateway of its own, which at the end has nothing left to do.</summary>
    [Theory]
    [InlineData("anthropic.test.mjs")]
    [InlineData("ollama.test.mjs")]
    [InlineData("responses.test.mjs")]
    public async Task OtherDialects_TheirOwnClients_ChatStreamThinkCallToolsCancelAndReadErrors(string script)
    {
        var slow = new StubChatModel(Stub(SharedGateway.Slow, new string('x', 8000)) with { TokenInterval = TimeSpan.FromMilliseconds(5) }, TimeProvider.System);
        var quick = Stub(SharedGateway.Quick, SharedGateway.QuickText);
        await using var host = await GatewayHost.StartAsync(new ModelSource(slow.Card.Id, ModelKind.Stub, (_, _) => slow),
            new ModelSource(quick.Id, ModelKind.Stub, (_, _) => new StubChatModel(quick, TimeProvider.System)));
        await host.ReadyAsync();
        var variables = Variables();
        variables["SMOL_URL"] = host.Url;
        variables["SMOL_THINKING_MODEL"] = variables["SMOL_CALLING_MODEL"] = SharedGateway.Quick;
        await NodeScripts.RunAsync(script, variables);
        await slow.WhenIdle().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task AiSdk_ChatsStreamsReasonsAndRunsTools() => await NodeScripts.RunAsync("ai.test.mjs", Variables());

    private static StubOptions Stub(string id, string text) => SharedGateway.QuickOptions with { Id = id, Text = text, ContextLength = 16_384 };

    private Dictionary<string, string> Variables() => new()
    {
        ["SMOL_URL"] = gateway.Url,
        ["SMOL_MODEL"] = SharedGateway.Quick,
        ["SMOL_SLOW_MODEL"] = SharedGateway.Slow,
        ["SMOL_ANSWER"] = SharedGateway.QuickText,
    };
}
