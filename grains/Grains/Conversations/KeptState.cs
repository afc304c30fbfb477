using Microsoft.Extensions.Logging;
using Orleans.Storage;
using SmolCluster.Contracts;

namespace SmolCluster.Grains.Conversations;

/// <summary>A piece of durable state, changed as a whole and one change after the other. Storage compares etags: an activation
/// that is not the only one any more loses its write, and ends. A change that storage did not take has not happened.</summary>
internal sealed class KeptState<T>(IPersistentState<T> stored, Action deactivate, TimeProvider time, ILogger logger)
    where T : class
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_retryAfter = TimeSpan.FromSeconds(2);

    /// <summary>The change before; calls come one by one on the grain's own scheduler, and so need no lock.</summary>
    private Task _last = Task.CompletedTask;

    /// <summary>Null: there is none.</summary>
    public T? Known => stored.RecordExists ? stored.State : null;

    /// <exception cref="ChatException">StorageUnavailable, or Interrupted: another activation writes here.</exception>
    public Task<T> Write(Func<T?, T> change) => Alone(async () =>
    {
        var before = stored.State;
        stored.State = change(Known);
        try
        {
            await Reach(stored.WriteStateAsync());
            return stored.State;
        }
        catch
        {
            stored.State = before;
            throw;
        }
    });

    public Task Clear() => Alone(async () =>
    {
        if (stored.RecordExists) await Reach(stored.ClearStateAsync());
        return true;
    });

    private async Task<TResult> Alone<TResult>(Func<Task<TResult>> work)
    {
        var before = _last;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _last = done.Task;
        await before;
        try
        {
            return await work();
        }
        finally
        {
            done.SetResult();
        }
    }

    private async Task Reach(Task operation)
    {
        try
        {
            await operation.WaitAsync(s_patience, time);
        }
        catch (InconsistentStateException)
        {
            deactivate();
            throw new ChatException(ChatError.Interrupted, "This conversation was changed elsewhere at the same time. Send the request again.");
        }
        catch (Exception problem)
        {
            operation.Ignore();
            logger.LogWarning("Storage of conversations failed: {Problem}", problem.Message);
            throw new ChatException(ChatError.StorageUnavailable,
                $"The storage of conversations cannot be reached ({problem.GetType().Name}: {problem.Message}). Nothing that was confirmed is lost. Try again shortly.")
            {
                RetryAfter = s_retryAfter,
            };
        }
    }
}
