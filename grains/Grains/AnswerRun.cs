using System.Runtime.CompilerServices;
using SmolCluster.Contracts;

namespace SmolCluster.Grains;

/// <summary>One reader's time with an answer, from its planning on: what ends it, and the signs of life it is owed.</summary>
/// <param name="attempt">The reader's; null: its first.</param>
/// <param name="span">Told how it ends; ended by whoever began it.</param>
internal sealed class AnswerRun(TimeProvider time, AnswerCursor? attempt, AnswerSpan span, CancellationToken reader) : IDisposable
{
    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(reader);
    private bool _takenOver;

    /// <summary>Frees the model, even while nobody asks for the next event.</summary>
    public CancellationToken Stopped => _stop.Token;

    /// <summary>This stretch of the answer in its trace.</summary>
    public AnswerSpan Span { get; } = span;

    /// <summary>Tells how many wait before this; null: nothing is known yet.</summary>
    public Func<int?>? Ahead { get; set; }

    public void Stop() => _stop.Cancel();

    /// <summary>Whether the one that reads has left <paramref name="other"/> for this.</summary>
    public bool IsLaterThan(AnswerCursor other) =>
        attempt is { } own && other.Reader != Guid.Empty && own.Reader == other.Reader && own.Attempt > other.Attempt;

    /// <summary>Another reader comes: this one is told so, should it still be there.</summary>
    public void TakeOver()
    {
        _takenOver = true;
        _stop.Cancel();
    }

    public void Dispose() => _stop.Dispose();

    /// <summary>The events, and a sign of life whenever a while passes without one: while the prompt waits, while it is computed,
    /// and while storage is away.</summary>
    public async IAsyncEnumerable<GenerationEvent> Alive(IAsyncEnumerable<GenerationEvent> events, [EnumeratorCancellation] CancellationToken cancellation)
    {
        long number = 0;
        await using var source = events.GetAsyncEnumerator(cancellation);
        Task<bool>? next = null;
        var patience = new Patience(Liveness.SignOfLife, time);
        try
        {
            while (true)
            {
                next ??= source.MoveNextAsync().AsTask();
                if (!await CompletesInTime(next, patience, cancellation))
                {
                    yield return new KeepAlive(number, Ahead?.Invoke());
                    continue;
                }
                if (!await Outcome(next)) yield break;
                next = null;
                number = source.Current.Number;
                yield return source.Current;
            }
        }
        finally
        {
            if (next is { IsCompleted: false })
            {
                _stop.Cancel();
                await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            }
        }
    }

    public static ChatException TakenOver() => new(ChatError.TakenOver, "Another reader goes on with this answer.");

    /// <summary>True as well for one whose reader left: it ends now.</summary>
    private static async ValueTask<bool> CompletesInTime(Task next, Patience patience, CancellationToken cancellation)
    {
        try
        {
            return await patience.Completes(next, cancellation);
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    private async Task<bool> Outcome(Task<bool> next)
    {
        try
        {
            return await next;
        }
        catch (Exception) when (_takenOver)
        {
            var failure = TakenOver();
            Span.Failed(failure);
            throw failure;
        }
        catch (Exception failure)
        {
            Span.Failed(failure);
            throw;
        }
    }
}
