using System.Threading.Channels;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Chat;

/// <summary>The answers to one request, which run side by side. Disposing them tells their conversations to stop.</summary>
internal sealed class RunningChoices(IReadOnlyList<RunningAnswer> answers, CancellationTokenSource leaving) : IAsyncDisposable
{
    private Task pumps = Task.CompletedTask;

    /// <summary>What all have in common is the first's.</summary>
    public RunningAnswer First => answers[0];

    public int Count => answers.Count;

    /// <summary>The events of all, each answer's in its order, as they come.</summary>
    public async IAsyncEnumerable<(int Choice, GenerationEvent Happened)> ReadAsync()
    {
        // bounded, so that a slow reader holds the answers up and not the memory
        var events = Channel.CreateBounded<(int, GenerationEvent)>(answers.Count);
        pumps = Task.WhenAll(answers.Select((answer, choice) => PumpAsync(answer, choice, events.Writer)));
        _ = CompleteAsync(events.Writer);
        await foreach (var happened in events.Reader.ReadAllAsync())
            yield return happened;
    }

    public async ValueTask DisposeAsync()
    {
        if (!pumps.IsCompleted)
            await leaving.CancelAsync();
        await pumps.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var answer in answers)
            await answer.DisposeAsync();
        leaving.Dispose();
    }

    private async Task CompleteAsync(ChannelWriter<(int, GenerationEvent)> events)
    {
        await pumps.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        events.TryComplete();
    }

    /// <summary>One that breaks ends the stream at once: nobody can do anything with the others alone.</summary>
    private async Task PumpAsync(RunningAnswer answer, int choice, ChannelWriter<(int, GenerationEvent)> events)
    {
        try
        {
            await foreach (var happened in answer.ReadAsync())
                await events.WriteAsync((choice, happened), leaving.Token);
        }
        catch (Exception failure)
        {
            events.TryComplete(failure);
        }
    }
}
