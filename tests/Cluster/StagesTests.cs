using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime.Placement;
using Orleans.TestingHost;
using SmolCluster.Contracts;
using SmolCluster.Engine.Pipeline;
using SmolCluster.Grains;
using SmolCluster.Grains.Stages;

namespace SmolCluster.Cluster.Tests;

/// <summary>The demo model, 7 MiB, on silos that allow 4 MiB of weights each: any two of them answer as one that has all of it.</summary>
public sealed class StagesTests
{
    private const int Allowed = 4;
    private const string Long = "Say it in other words, please, and be brief. ";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ask_ModelOnTwoSilos_AnswersAsOneSiloDoes()
    {
        ChatRequest[] questions = [.. Enumerable.Range(0, 6).Select(Question)];
        var expected = await Whole(questions);
        await using var cluster = await StubCluster.Start(2, _ => Sources(Allowed));
        var home = await Ready(cluster);
        var answers = await Task.WhenAll(questions.Select((question, number) => On(home, cluster, $"{number}").Answer(question)));
        Assert.Equal(expected, answers.Select(Comparable));
        Assert.All(answers, events => Assert.Equal(home.Name, Assert.IsType<AnswerStarted>(events[0]).Silo));
        Assert.Equal(["ready", "stage"], cluster.Silos.Select(silo => State(cluster, silo)).Order());

        var refused = Assert.Throws<ChatException>(() => cluster.Service<ModelHost>(Number(cluster, home, other: true)).Get(ModelCatalog.DemoId));
        Assert.Equal((ChatError.ModelLoading, true), (refused.Error, refused.RetryAfter > TimeSpan.Zero));
    }

    [Fact]
    public async Task Ask_HalvesCrossBetweenSilos_Answers()
    {
        await using var cluster = await StubCluster.Start(2, _ => Sources(Allowed, nameof(ActivationType.F16)));
        Assert.NotEmpty((await On(await Ready(cluster), cluster, "halves").Answer(Question(0))).Text());
    }

    [Fact]
    public async Task Stop_TheSiloOfAStageWhileAThirdIsThere_GoesOnThereWithTheSameAnswer()
    {
        var expected = Assert.Single(await Whole(Question(3)));
        await using var cluster = await StubCluster.Start(3, _ => Sources(Allowed));
        var home = await Ready(cluster);
        await using var answer = On(home, cluster, "moved").Begin(Question(3));
        var first = await answer.NextText();
        await cluster.Stop(cluster.Silos.First(silo => silo != home && silo.ServiceProvider.GetRequiredService<StageRoom>().Offer(ModelCatalog.DemoId) is { Serves: true }));
        Assert.Equal(expected, Comparable(await Rest(cluster, "moved", Question(3), first)));
    }

    [Fact]
    public async Task Stop_TheSiloThatAnswersWhileAThirdIsThere_GoesOnElsewhereWithTheSameAnswer()
    {
        var expected = Assert.Single(await Whole(Question(4)));
        await using var cluster = await StubCluster.Start(3, _ => Sources(Allowed));
        var home = await Ready(cluster);
        await using var answer = On(home, cluster, "moved").Begin(Question(4));
        var first = await answer.NextText();
        await cluster.Stop(home);
        Assert.Equal(expected, Comparable(await Rest(cluster, "moved", Question(4), first)));
        Assert.NotEqual(home, await Ready(cluster));
    }

    [Fact]
    public async Task Stop_OneOfTwo_SaysWhatIsMissingUntilAnotherJoins()
    {
        await using var cluster = await StubCluster.Start(2, _ => Sources(Allowed));
        var home = await Ready(cluster);
        await cluster.Stop(cluster.Silos.Single(silo => silo != home));
        ChatException? refused = null;
        while (refused is null || !refused.Message.Contains("no silo has room", StringComparison.Ordinal))
        {
            await Task.Delay(10, Cancellation);
            refused = await Record.ExceptionAsync(() => cluster.Conversation("early").Answer(Question(1))) as ChatException;
        }
        Assert.Equal((ChatError.ModelLoading, true), (refused.Error, refused.RetryAfter > TimeSpan.Zero));
        Assert.Contains("no silo has room for layers 4 to 7 of 8, 4 MiB: the one silo here allows 4 MiB", refused.Message, StringComparison.Ordinal);

        await cluster.Join();
        Assert.Equal(Assert.Single(await Whole(Question(1))), Comparable(await On(await Ready(cluster), cluster, "late").Answer(Question(1))));
    }

    [Fact]
    public async Task Run_StepsOfAnotherPlanAndOrdersThatDoNotFit_AreRefused()
    {
        await using var cluster = await StubCluster.Start(2, _ => Sources(Allowed));
        var home = await Ready(cluster);
        int there = Number(cluster, home, other: true);
        var room = cluster.Service<StageRoom>(there);
        var stale = await Assert.ThrowsAsync<InvalidOperationException>(() => room.Run(new StageWork(ModelCatalog.DemoId, Guid.NewGuid(), 0, [0], [1], [[0]], new byte[1024])));
        Assert.Contains("its layers were shared out anew", stale.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(() => room.Run(new StageWork("other", Guid.NewGuid(), 0, [], [], [], [])));

        string hash = ModelOutline.Of(ModelCatalog.DemoFile).ContentHash;
        var order = new StageOrder(ModelCatalog.DemoId, Guid.NewGuid(), home.SiloAddress, hash, 4, 4, "F16", 8, 128, "F32");
        await Refuses(order with { Host = cluster.Silos[there].SiloAddress }, "it has layers for");
        await Refuses(order with { ContentHash = "other" }, "its file has content");
        await Refuses(order with { First = 1, Count = 7 }, "are more than its 4 MiB");
        await Refuses(order with { Count = 0 }, "are none that it could have");
        await Refuses(order with { Model = "other" }, "no model 'other'");
        await Refuses(order with { First = 5 }, "are none that it could have");
        Assert.Equal("stage", cluster.Service<ModelHost>(there).Statuses[0].State);

        async Task Refuses(StageOrder refused, string why) =>
            Assert.Contains(why, (await Assert.ThrowsAsync<InvalidOperationException>(() => room.Open(refused))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_FileWithinTheMemory_IsWhole()
    {
        await using var cluster = await StubCluster.Start(2, _ => Sources(7));
        await Task.WhenAll(cluster.Service<ModelHost>(0).Settled, cluster.Service<ModelHost>(1).Settled);
        Assert.Equal(2, (await cluster.Models.WhereReady(ModelCatalog.DemoId)).Count);
    }

    private static ModelSource[] Sources(int? weights, string activations = nameof(ActivationType.F32)) => [.. ModelCatalog.From(new SmolClusterOptions
    {
        Models = [new() { Path = ModelCatalog.DemoPath }],
        Threads = 1,
        KvMemoryMiB = 8,
        WeightMemoryMiB = weights,
        Activations = activations,
    })];

    private static ChatRequest Question(int number) => Requests.Hello(ModelCatalog.DemoId, maxTokens: 60) with
    {
        Messages = [new ChatMessage("user", $"{number}: " + string.Concat(Enumerable.Repeat(Long, 1 + number)))],
        Sampling = new SamplingSettings { Temperature = 1.2f, Seed = (ulong)number },
        Keep = Keep.Nothing,
    };

    private static async Task<(string Text, string Reason, int Prompt, int Completion)[]> Whole(params ChatRequest[] questions)
    {
        await using var cluster = await StubCluster.Start(Sources(null));
        await cluster.Service<ModelHost>().Settled;
        return [.. (await Task.WhenAll(questions.Select((question, number) => cluster.Conversation($"{number}").Answer(question)))).Select(Comparable)];
    }

    private static (string, string, int, int) Comparable(List<GenerationEvent> events) =>
        (events.Text(), events.Finish().Reason, events.Finish().PromptTokens, events.Finish().CompletionTokens);

    /// <returns>The silo that answers.</returns>
    private static async Task<InProcessSiloHandle> Ready(StubCluster cluster)
    {
        while (true)
        {
            if (await cluster.Models.WhereReady(ModelCatalog.DemoId) is [var silo]) return cluster.Silos.Single(one => one.SiloAddress.Equals(silo));
            await Task.Delay(10, Cancellation);
        }
    }

    private static IConversationGrain On(InProcessSiloHandle silo, StubCluster cluster, string id)
    {
        RequestContext.Set(IPlacementDirector.PlacementHintKey, silo.SiloAddress);
        return cluster.Conversation(id);
    }

    /// <summary>All of an answer after its first text, asked for again and again as a gateway does.</summary>
    private static async Task<List<GenerationEvent>> Rest(StubCluster cluster, string id, ChatRequest question, TextDelta first)
    {
        while (true)
        {
            try
            {
                RequestContext.Remove(IPlacementDirector.PlacementHintKey);
                PlacementWish.Set(ModelCatalog.DemoId, null);
                return await cluster.Conversation(id).Rest(question, new AnswerCursor(0, [.. first.Tokens]));
            }
            catch (Exception broken) when (broken is OrleansException or TimeoutException or EnumerationAbortedException or OperationCanceledException
                || broken is ChatException { Error: ChatError.Interrupted or ChatError.ModelLoading })
            {
                await Task.Delay(10, Cancellation);
            }
        }
    }

    private static string State(StubCluster cluster, InProcessSiloHandle silo) => cluster.Service<ModelHost>(Number(cluster, silo)).Statuses[0].State;

    private static int Number(StubCluster cluster, InProcessSiloHandle silo, bool other = false) =>
        Enumerable.Range(0, cluster.Silos.Count).First(number => cluster.Silos[number] == silo != other);
}
