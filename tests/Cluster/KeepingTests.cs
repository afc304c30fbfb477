using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Cluster.Tests;

/// <summary>What stays of a conversation: named ones whole, ephemeral ones nothing.</summary>
public sealed class KeepingTests : IAsyncLifetime
{
    private readonly SteppedTime _time = new();
    private readonly StubChatModel _model;
    private StubCluster _cluster = null!;

    public KeepingTests() => _model = new(new StubOptions { Text = "ab" }, _time);

    public async ValueTask InitializeAsync() => _cluster = await StubCluster.Start(_model);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Ephemeral_Answered_LeavesNeitherActivationNorRecord()
    {
        Assert.Equal("ab", (await Answer(Requests.Hello() with { Ephemeral = true })).Text());
        await Gone();
    }

    [Fact]
    public async Task Ephemeral_Left_LeavesNeitherActivationNorRecord()
    {
        await using (var answer = _cluster.Conversation().Begin(Requests.Hello() with { Ephemeral = true }))
            Assert.True(await answer.MoveNextAsync());
        await Gone();
    }

    [Fact]
    public async Task Ephemeral_CancelledWhileWaitingForAToken_LeavesNeitherActivationNorRecord()
    {
        using var leaving = new CancellationTokenSource();
        var request = Requests.Hello() with { Ephemeral = true };
        await using (var answer = _cluster.Conversation().Ask(request, leaving.Token).GetAsyncEnumerator(leaving.Token))
        {
            Assert.True(await answer.MoveNextAsync());
            var next = answer.MoveNextAsync();
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
        }
        await Gone();
    }

    [Fact]
    public async Task Ephemeral_Stopped_LeavesNeitherActivationNorRecord()
    {
        await using var answer = _cluster.Conversation().Begin(Requests.Hello() with { Ephemeral = true });
        Assert.True(await answer.MoveNextAsync());
        await _cluster.Conversation().StopAnswer();
        await Gone();
    }

    [Fact]
    public async Task Ephemeral_Refused_LeavesNoActivation()
    {
        await _cluster.Conversation().Refusal(Requests.Hello("other") with { Ephemeral = true });
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
        Assert.Equal((true, "ab"), (kept!.Finished, kept.Events.Text()));
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
