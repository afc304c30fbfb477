using System.Net;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Gateway.Tests;

/// <summary>A cluster whose silos have different models, asked through one gateway.</summary>
public sealed class TwoSilosTests
{
    [Fact]
    public async Task Chat_ModelOfOneSiloOnly_AnswersWhereverTheConversationLands()
    {
        await using var first = await GatewayHost.StartAsync(Stub("one"), Broken("two"));
        await using var second = await GatewayHost.StartAsync(first.SiloPort, Stub("two"));
        await Task.WhenAll(first.ReadyAsync(), second.ReadyAsync());
        // placement is by chance: of so many, some land on the other silo
        foreach (string model in Enumerable.Repeat(new[] { "one", "two" }, 8).SelectMany(both => both))
        {
            using var response = await first.Http.PostAsync(Api.Body("\"max_tokens\":2", model));
            Assert.True(response.StatusCode == HttpStatusCode.OK, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
    }

    private static ModelSource Stub(string id) => new(id, ModelKind.Stub,
        (_, _) => new StubChatModel(new StubOptions { Id = id, TokenInterval = TimeSpan.Zero }, TimeProvider.System));

    private static ModelSource Broken(string id) => new(id, ModelKind.Real, (_, _) => throw new InvalidDataException("The file is broken."));
}
