using Orleans.Runtime.Placement;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Cluster.Tests;

public sealed class TwoSilosTests
{
    private static readonly StubOptions s_fast = new() { TokenInterval = TimeSpan.Zero };
    private static readonly ModelSource s_stub = new("stub", ModelKind.Stub, (_, _) => new StubChatModel(s_fast, TimeProvider.System));

    [Fact]
    public async Task List_SilosDiffer_MergesWithTheBestStateInOrderOfId()
    {
        var broken = new ModelSource("broken", ModelKind.Real, (_, _) => throw new InvalidDataException("bad"));
        await using var cluster = await StubCluster.Start(2, silo => silo == 0
            ? [s_stub, broken, s_stub with { Id = "first" }]
            : [s_stub, s_stub with { Id = "second" }, s_stub with { Id = "broken" }]);
        await Task.WhenAll(cluster.Service<ModelHost>(0).Settled, cluster.Service<ModelHost>(1).Settled);

        var models = await cluster.Models.List();
        Assert.Equal(["broken", "first", "second", "stub"], models.Select(model => model.Id));
        Assert.All(models, model => Assert.Equal(("ready", null), (model.State, model.Problem)));
    }

    [Fact]
    public async Task WhereReady_SilosDiffer_NamesThoseThatCanAnswer()
    {
        var broken = new ModelSource("broken", ModelKind.Real, (_, _) => throw new InvalidDataException("bad"));
        await using var cluster = await StubCluster.Start(2, silo => silo == 0 ? [s_stub, broken] : [s_stub, s_stub with { Id = "broken" }]);
        await Task.WhenAll(cluster.Service<ModelHost>(0).Settled, cluster.Service<ModelHost>(1).Settled);

        Assert.Equal(2, (await cluster.Models.WhereReady("stub")).Count);
        Assert.Empty(await cluster.Models.WhereReady("none"));
        var there = Assert.Single(await cluster.Models.WhereReady("broken"));
        RequestContext.Set(IPlacementDirector.PlacementHintKey, there);
        Assert.Equal("stop", (await cluster.Conversation().Answer(Requests.Hello("broken"))).Finish().Reason);
    }

    [Fact]
    public async Task Ask_FromTheOtherSilo_StreamsTheSame()
    {
        await using var cluster = await StubCluster.Start(2, _ => [s_stub]);
        await Task.WhenAll(cluster.Service<ModelHost>(0).Settled, cluster.Service<ModelHost>(1).Settled);

        RequestContext.Set(IPlacementDirector.PlacementHintKey, cluster.Silos[1].SiloAddress);
        var conversation = cluster.Service<IGrainFactory>(0).GetGrain<IConversationGrain>("far");
        var events = await conversation.Answer(Requests.Hello());
        Assert.Equal(cluster.Silos[1].Name, Assert.IsType<AnswerStarted>(events[0]).Silo);
        Assert.Equal(s_fast.Text, events.Text());
    }
}
