namespace SmolCluster.Grains.Stages;

/// <summary>Work that maps files or waits for a batch loop, on a thread of its own: it would starve the thread pool, on which the silo
/// answers its peers.</summary>
internal static class LongWork
{
    public static Task<T> Run<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
}
