using System.Collections.Concurrent;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Responses;

/// <summary>Reads answers that go on without a client, so that they do go on; what they say is in their conversation's record. If this
/// gateway dies, whoever asks for such a response next, at any gateway, makes it go on.</summary>
internal sealed class BackgroundAnswers(Answers answers, IGrainFactory grains, TimeProvider time, IHostApplicationLifetime lifetime,
    ILogger<BackgroundAnswers> logger)
{
    private static readonly TimeSpan Often = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, CancellationTokenSource> running = new(StringComparer.Ordinal);

    /// <summary>Has one read to its end from here: by whoever reads it now, and when nobody does, by this gateway.</summary>
    public void GoOn(string id)
    {
        var stop = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
        if (running.TryAdd(id, stop))
            _ = Apart(() => WatchAsync(id, null, stop));
        else
            stop.Dispose();
    }

    /// <summary>Begins one.</summary>
    /// <returns>Its id.</returns>
    public async Task<string> StartAsync(Func<CancellationToken, Task<RunningAnswer>> start)
    {
        var stop = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
        try
        {
            var answer = await Apart(() => start(stop.Token));
            running[answer.Id] = stop;
            _ = Apart(() => WatchAsync(answer.Id, answer, stop));
            return answer.Id;
        }
        catch
        {
            stop.Dispose();
            throw;
        }
    }

    public void Stop(string id)
    {
        if (running.TryGetValue(id, out var stop))
            stop.Cancel();
    }

    private async Task WatchAsync(string id, RunningAnswer? begun, CancellationTokenSource stop)
    {
        try
        {
            if (begun is not null)
                await ReadAsync(begun);
            using var often = new PeriodicTimer(Often, time);
            while (await grains.GetGrain<IConversationGrain>(id).Read() is { FinishReason: null } known)
            {
                if (known.Running)
                    await often.WaitForNextTickAsync(stop.Token);
                else
                    await ReadAsync(await answers.FollowAsync(id, stop.Token));
            }
        }
        catch (Exception failure) when (stop.IsCancellationRequested || ClusterErrors.IsExpected(failure))
        {
            logger.LogInformation("The response {Response} is read here no longer: {Problem}", id, failure.Message);
        }
        catch (Exception failure)
        {
            logger.LogError(failure, "The response {Response} broke off", id);
        }
        finally
        {
            running.TryRemove(new(id, stop));
            stop.Dispose();
        }
    }

    /// <summary>Without what flows with the request that it came from: its deadline is not the response's.</summary>
    private static Task<T> Apart<T>(Func<Task<T>> work)
    {
        using (ExecutionContext.SuppressFlow())
            return Task.Run(work);
    }

    private static Task Apart(Func<Task> work)
    {
        using (ExecutionContext.SuppressFlow())
            return Task.Run(work);
    }

    /// <summary>To its end, or until somebody else reads it.</summary>
    private static async Task ReadAsync(RunningAnswer answer)
    {
        await using (answer)
        {
            try
            {
                await foreach (var _ in answer.ReadAsync())
                {
                    // the conversation keeps it
                }
            }
            catch (ChatException taken) when (taken.Error == ChatError.TakenOver)
            {
                // its reader may leave before the end
            }
        }
    }
}
