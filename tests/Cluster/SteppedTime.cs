using System.Threading.Channels;

namespace SmolCluster.Cluster.Tests;

/// <summary>Time in which every delay lasts until the test lets it end, so that "in the middle of an answer" is a place and not
/// a moment.</summary>
public sealed class SteppedTime : TimeProvider
{
    private readonly Channel<Action> _delays = Channel.CreateUnbounded<Action>();

    /// <summary>Ends the next delay, as soon as there is one.</summary>
    public async Task Step() => (await _delays.Reader.ReadAsync(TestContext.Current.CancellationToken))();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        _delays.Writer.TryWrite(() => callback(state));
        return new Unused();
    }

    /// <summary>Whoever set the timer needs it no more; an end that comes too late finds nobody.</summary>
    private sealed class Unused : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() { }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
