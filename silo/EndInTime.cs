using SmolCluster.Contracts;
using SmolCluster.ServiceDefaults;

namespace SmolCluster.Silo;

/// <summary>Ends the process of a silo whose host does not end. Orleans writes three times that a silo leaves (it shuts down, it stops, it is gone)
/// and tries each for five minutes, whatever limit the host has; without Redis a silo that was told to end would be there until somebody
/// kills it. Its answers are handed over by then, and the others find out that it is gone as they do of one that was killed.</summary>
internal sealed class EndInTime(IServiceProvider services, ILoggerFactory loggers) : IHostedLifecycleService
{
    private static readonly TimeSpan PatienceWithRedis = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PatienceWithLogs = TimeSpan.FromSeconds(2);

    /// <summary>A thread of its own: whatever keeps the host from ending may keep the thread pool busy.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        new Thread(End) { IsBackground = true, Name = "end in time" }.Start();
        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void End()
    {
        Thread.Sleep(Liveness.EndLimit);
        string[] silent = [.. services.SilentRedis(PatienceWithRedis)];
        loggers.CreateLogger<EndInTime>().LogCritical("Told to end, the silo has not within {Seconds} s: {Reason}. It ends now, and the others will find it gone.",
            Liveness.EndLimit.TotalSeconds, silent.Length == 0 ? "something here goes on"
                : $"Redis at {string.Join(", ", silent)} does not answer, so that it cannot be written there that the silo leaves");
        Task.Run(loggers.Dispose).Wait(PatienceWithLogs); // what they hold back is written
        Environment.Exit(1);
    }
}
