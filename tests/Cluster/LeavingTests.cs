using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Cluster.Tests;

/// <summary>Whoever leaves, and however: the model is free again and the conversation can answer anew.</summary>
public sealed class LeavingTests : IAsyncLifetime
{
    private readonly SteppedTime _time = new();
    private readonly StubChatModel _model;
    private StubCluster _cluster = null!;

    public LeavingTests() => _model = new(new StubOptions { Text = "abc" }, _time);

    public async ValueTask InitializeAsync() => _cluster = await StubCluster.Start(_model);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Leave_AfterTheFirstEvent_FreesTheModel()
    {
        await foreach (var _ in _cluster.Conversation().Ask(Requests.Hello(), TestContext.Current.CancellationToken)) break;
        await FreedAndAnswersAgain();
    }

    [Fact]
    public async Task Leave_InTheMiddleOfTheText_FreesTheModel()
    {
        var text = "";
        await foreach (var happened in _cluster.Conversation().Ask(Requests.Hello(), TestContext.Current.CancellationToken))
        {
            text += (happened as TextDelta)?.Text;
            if (text == "ab") break;
            await _time.Step();
        }
        await FreedAndAnswersAgain();
    }

    [Fact]
    public async Task Cancel_WhileWaitingForAToken_FreesTheModel()
    {
        using var leaving = new CancellationTokenSource();
        await using var answer = _cluster.Conversation().Ask(Requests.Hello(), leaving.Token).GetAsyncEnumerator(leaving.Token);
        Assert.True(await answer.MoveNextAsync());
        var next = answer.NextText();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
        await answer.DisposeAsync();
        await FreedAndAnswersAgain();
    }

    [Fact]
    public async Task Deactivate_DuringAnAnswer_FreesTheModel()
    {
        await using var answer = _cluster.Conversation().Begin(Requests.Hello());
        Assert.True(await answer.MoveNextAsync());
        await _cluster.Deactivate(_cluster.Conversation());
        await FreedAndAnswersAgain();
    }

    [Fact]
    public async Task Unload_DuringAnAnswer_IsInterrupted()
    {
        await using var answer = _cluster.Conversation().Begin(Requests.Hello());
        Assert.True(await answer.MoveNextAsync());
        _model.Dispose();
        var interrupted = await Assert.ThrowsAsync<ChatException>(() => answer.NextText());
        Assert.Equal(ChatError.Interrupted, interrupted.Error);
    }

    [Fact]
    public async Task Stop_WhileWaitingForAToken_InterruptsAndFreesTheModel()
    {
        await using var answer = _cluster.Conversation().Begin(Requests.Hello());
        Assert.True(await answer.MoveNextAsync());
        var next = answer.NextText();
        await _cluster.Conversation().StopAnswer();
        Assert.Equal(ChatError.Interrupted, (await Assert.ThrowsAsync<ChatException>(async () => await next)).Error);
        await FreedAndAnswersAgain();
    }

    [Fact]
    public async Task Deactivate_WhileWaitingForAToken_IsInterruptedAndNotTheModelsFault()
    {
        await using var answer = _cluster.Conversation().Begin(Requests.Hello());
        Assert.True(await answer.MoveNextAsync());
        var next = answer.NextText();
        await _cluster.Deactivate(_cluster.Conversation());
        var broken = await Assert.ThrowsAnyAsync<Exception>(async () => await next);
        Assert.True(broken is ChatException { Error: ChatError.Interrupted } or EnumerationAbortedException or OperationCanceledException, $"{broken}");
        await FreedAndAnswersAgain();
    }

    [Fact]
    public async Task Stop_WhileNobodyReads_FreesTheModel()
    {
        await using var answer = _cluster.Conversation().Begin(Requests.Hello());
        Assert.True(await answer.MoveNextAsync());
        await _cluster.Conversation().StopAnswer();
        await FreedAndAnswersAgain();
    }

    private async Task FreedAndAnswersAgain()
    {
        await _model.WhenIdle().WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, _model.ActiveGenerations);
        await using var again = _cluster.Conversation().Begin(Requests.Hello());
        Assert.True(await again.MoveNextAsync());
        Assert.IsType<AnswerStarted>(again.Current);
    }
}
