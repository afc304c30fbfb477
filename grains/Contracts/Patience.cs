namespace SmolCluster.Contracts;

/// <summary>Waits for one thing after the other, each for so long at most. One timer serves many waits, because a token comes long
/// before its time is over and a timer for each would cost more than the wait. Not thread-safe.</summary>
public sealed class Patience(TimeSpan limit, TimeProvider time)
{
    private Task _timer = Task.CompletedTask;

    /// <returns>Whether it completed; false: <c>limit</c> is over.</returns>
    /// <exception cref="OperationCanceledException">The caller left before either.</exception>
    public async ValueTask<bool> Completes(Task awaited, CancellationToken cancellation)
    {
        long since = time.GetTimestamp();
        while (!awaited.IsCompleted)
        {
            cancellation.ThrowIfCancellationRequested();
            if (_timer.IsCompleted)
            {
                // in whole milliseconds, as timers count: what is left of one would else be waited for by spinning
                double left = Math.Ceiling((limit - time.GetElapsedTime(since)).TotalMilliseconds);
                if (left <= 0) return false;
                _timer = Task.Delay(TimeSpan.FromMilliseconds(left), time, cancellation);
            }
            await Task.WhenAny(awaited, _timer);
        }
        return true;
    }
}
