using System.Collections.Concurrent;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Responses;

/// <summary>Reads answers that go on without a client, so that they do go on; what they say is in their conversation's record. If this
/// gateway dies, whoever asks for such a response next, at any gateway, makes it go on.</summary>
internal sealed class BackgroundAnswers(Answers answers, IHostApplicationLifetime lifetime, ILogger<BackgroundAnswers> logger)
{
    private readonly ConcurrentDictionary<string, CancellationTokenSource> running = new(StringComparer.Ordinal);

    /// <summary>Reads on from here, until it ends or somebody else reads it.</summary>
    public void GoOn(string id)
    {
        var stop = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
        if (running.TryAdd(id, stop))
            _ = ReadAsync(id, () => answers.FollowAsync(id, stop.Token), stop);
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
            var answer = await start(stop.Token);
            running[answer.Id] = stop;
            _ = ReadAsync(answer.Id, () => Task.FromResult(answer), stop);
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

    private async Task ReadAsync(string id, Func<Task<RunningAnswer>> start, CancellationTokenSource stop)
    {
        try
        {
            await using var answer = await start();
            await foreach (var _ in answer.ReadAsync())
            {
                // the conversation keeps it
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
            Ended(id, stop);
        }
    }

    private void Ended(string id, CancellationTokenSource stop)
    {
        running.TryRemove(new(id, stop));
        stop.Dispose();
    }
}
