using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Cluster.Tests;

/// <summary>What stays of a conversation: conversations whole, plain requests nothing.</summary>
public sealed class KeepingTests : IAsyncLifetime
{
    private readonly SteppedTime _time = new();
    private readonly StubChatModel _model;
    private StubCluster _cluster = null!;

    public KeepingTests() => _model = new(new StubOptions { Text = "ab" }, _time);

    public async ValueTask InitializeAsync() => _cluster = await StubCluster.Start(_model);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task KeepNothing_Answered_LeavesNeitherActivationNorRecord()
    {
        Assert.Equal("ab", (await Answer(Requests.Hello() with { Keep = Keep.Nothing })).Text());
        await Gone();
    }

    [Fact]
    public async Task KeepNothing_Left_LeavesNeitherActivationNorRecord()
    {
        await using (var answer = _cluster.Conversation().Begin(Requests.Hello() with { Keep = Keep.Nothing }))
            Assert.True(await answer.MoveNextAsync());
        await Gone();
    }

    [Fact]
    public async Task KeepNothing_CancelledWhileWaitingForAToken_LeavesNeitherActivationNorRecord()
    {
        using var leaving = new CancellationTokenSource();
        var request = Requests.Hello() with { Keep = Keep.Nothing };
        await using (var answer = _cluster.Conversation().Ask(request, leaving.Token).GetAsyncEnumerator(leaving.Token))
        {
            Assert.True(await answer.MoveNextAsync());
            var next = answer.NextText();
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
        }
        await Gone();
    }

    [Fact]
    public async Task KeepNothing_Stopped_LeavesNeitherActivationNorRecord()
    {
        await using var answer = _cluster.Conversation().Begin(Requests.Hello() with { Keep = Keep.Nothing });
        Assert.True(await answer.MoveNextAsync());
        await _cluster.Conversation().StopAnswer();
        await Gone();
    }

    [Fact]
    public async Task KeepNothing_Refused_LeavesNoActivation()
    {
        await _cluster.Conversation().Refusal(Requests.Hello("other") with { Keep = Keep.Nothing });
        await Gone();
    }

    [Fact]
    public async Task UntilDelivered_Forgotten_LeavesNeitherActivationNorRecord()
    {
        await Answer(Requests.Hello() with { Keep = Keep.UntilDelivered });
        Assert.NotNull(await _cluster.Conversation().Read());
        await _cluster.Conversation().Forget();
        await Gone();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Named_Deactivated_IsStillThere(bool forced)
    {
        await Answer(Requests.Hello());
        if (forced) await _cluster.Deactivate(_cluster.Conversation());
        else await _cluster.Management.ForceActivationCollection(TimeSpan.Zero, TestContext.Current.CancellationToken);
        await Deactivated();
        var kept = await _cluster.Conversation().Read();
        Assert.Equal(("stop", "ab"), (kept!.FinishReason, kept.Text));
    }

    private async Task<List<GenerationEvent>> Answer(ChatRequest request)
    {
        var answer = _cluster.Conversation().Answer(request);
        for (var token = 0; token < 3; token++) await _time.Step();
        return await answer;
    }

    private async Task Gone()
    {
        await Deactivated();
        Assert.Equal(0, _model.ActiveGenerations);
        Assert.Null(await _cluster.Conversation().Read());
        await Deactivated();
    }

    /// <summary>The test's own limit is the only one.</summary>
    private async Task Deactivated()
    {
        while (await _cluster.Management.GetActivationAddress(_cluster.Conversation()) is not null)
            await Task.Delay(10, TestContext.Current.CancellationToken);
    }
}
