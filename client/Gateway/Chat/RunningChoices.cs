using System.Threading.Channels;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Chat;

/// <summary>The answers to one request, which run side by side. Disposing them tells their conversations to stop.</summary>
internal sealed class RunningChoices(IReadOnlyList<RunningAnswer> answers, CancellationTokenSource leaving) : IAsyncDisposable
{
    // bounded, so that a slow reader holds the answers up and not the memory
    private readonly Channel<(int, GenerationEvent)> events = Channel.CreateBounded<(int, GenerationEvent)>(Math.Max(1, answers.Count));
    private Task pumps = Task.CompletedTask;

    /// <summary>What all have in common is the first's.</summary>
    public RunningAnswer First => answers[0];

    public int Count => answers.Count;

    /// <summary>The events of all, each answer's in its order, as they come.</summary>
    public async IAsyncEnumerable<(int Choice, GenerationEvent Happened)> ReadAsync()
    {
        if (answers is [var only]) // which needs no channel, and its tokens no thread that passes them on
        {
            await foreach (var happened in only.ReadAsync())
                yield return (0, happened);
            yield break;
        }
        pumps = Task.WhenAll(answers.Select((answer, choice) => PumpAsync(answer, choice)));
        _ = CompleteAsync();
        await foreach (var happened in events.Reader.ReadAllAsync())
            yield return happened;
    }

    public async ValueTask DisposeAsync()
    {
        events.Writer.TryComplete(); // no pump waits for a reader any more
        if (!pumps.IsCompleted)
            await leaving.CancelAsync();
        await pumps.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var answer in answers)
            await answer.DisposeAsync();
        leaving.Dispose();
    }

    private async Task CompleteAsync()
    {
        await pumps.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        events.Writer.TryComplete();
    }

    /// <summary>One that breaks ends the stream at once: nobody can do anything with the others alone.</summary>
    private async Task PumpAsync(RunningAnswer answer, int choice)
    {
        try
        {
            await foreach (var happened in answer.ReadAsync())
                await events.Writer.WriteAsync((choice, happened));
        }
        catch (Exception failure)
        {
            events.Writer.TryComplete(failure);
        }
    }
}
