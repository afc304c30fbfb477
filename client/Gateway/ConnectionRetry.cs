namespace SmolCluster.Gateway;

/// <summary>Tries to reach the cluster for ever, waiting 0.5 s at first and 5 s at most, and says so.</summary>
internal sealed class ConnectionRetry(ILogger<ConnectionRetry> log, TimeProvider time) : IClientConnectionRetryFilter
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);
    private TimeSpan wait = TimeSpan.FromSeconds(0.5);

    public async Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken)
    {
        log.LogWarning("No silo of the cluster answers yet ({Problem}); trying again in {Wait} s. Start a silo, or set "
            + "Orleans:Clustering to where the cluster is.", exception.Message, wait.TotalSeconds);
        try
        {
            await Task.Delay(wait, time, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        wait = wait * 2 < LongestWait ? wait * 2 : LongestWait;
        return true;
    }
}
