using System.Runtime.CompilerServices;
using SmolCluster.Contracts;

namespace SmolCluster.Grains.Conversations;

/// <summary>An answer while it becomes a message: its events so far, for any number of watchers, and what they amount to. Only
/// its grain's own turns touch it.</summary>
internal sealed class TurnRun(AnswerFeed feed, CancellationTokenSource stop, TimeProvider time) : IDisposable
{
    private readonly List<GenerationEvent> _events = [];
    private readonly long _start = time.GetTimestamp();
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private double? _firstText;

    /// <summary>The message that it becomes.</summary>
    public required int Message { get; init; }

    /// <summary>The activation ends, and the answer goes on in the next one: nothing is to be written.</summary>
    public bool Left { get; private set; }

    public async Task<AnswerStarted> Start()
    {
        var first = await feed.Next();
        Add(first);
        return (AnswerStarted)first;
    }

    /// <summary>Reads to the end, which is held back: it is told with <see cref="End"/>, once it is written.</summary>
    /// <returns>How it ended, and why if it failed.</returns>
    public async Task<(AnswerFinished End, string? Problem)> Finish()
    {
        try
        {
            while (true)
            {
                var happened = await feed.Next();
                if (happened is AnswerFinished finished) return (finished, null);
                Add(happened);
            }
        }
        catch (Exception) when (stop.IsCancellationRequested)
        {
            return (Ended("stopped"), null);
        }
        catch (Exception problem)
        {
            return (Ended("failed"), problem.Message);
        }
        finally
        {
            feed.Leave();
        }
    }

    public void End(AnswerFinished finished) => Add(finished);

    public void Stop() => stop.Cancel();

    public void Leave()
    {
        Left = true;
        stop.Cancel();
    }

    public void Dispose() => stop.Dispose();

    /// <summary>The message as it stands after the events so far.</summary>
    public TranscriptMessage Shown(TranscriptMessage message, AnswerFinished? end = null, string? problem = null)
    {
        var text = TurnText.Of(_events);
        var started = _events.OfType<AnswerStarted>().FirstOrDefault();
        var answer = message.Answer!;
        return message with
        {
            Content = text.Content,
            Reasoning = text.Reasoning,
            Answer = answer with
            {
                Identity = started?.Identity ?? answer.Identity,
                Silo = started?.Silo ?? answer.Silo,
                ContextLength = started?.ContextLength ?? answer.ContextLength,
                PromptTokens = started?.PromptTokens ?? answer.PromptTokens,
                MaxTokens = started?.MaxTokens ?? answer.MaxTokens,
                CachedTokens = _events.OfType<PrefillStarted>().FirstOrDefault()?.CachedTokens,
                CompletionTokens = end?.CompletionTokens ?? feed.Tokens.Count,
                FinishReason = end?.Reason,
                Problem = problem,
                Pieces = text.Pieces,
                Tokens = end is null or { Reason: "stop" } ? [] : [.. feed.Tokens],
                FirstTextSeconds = _firstText,
                Seconds = time.GetElapsedTime(_start).TotalSeconds,
            },
        };
    }

    /// <summary>The events after a number, and signs of life while there is nothing new.</summary>
    public async IAsyncEnumerable<GenerationEvent> Watch(long after, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (int next = 0; ; next++)
        {
            while (next >= _events.Count)
            {
                var first = await Task.WhenAny(_news.Task, Task.Delay(Liveness.SignOfLife, time, cancellation));
                cancellation.ThrowIfCancellationRequested();
                if (Left) throw new ChatException(ChatError.Interrupted, "This conversation moves to another silo. Watch it again.");
                if (first != _news.Task) yield return new KeepAlive(_events.Count, feed.Ahead);
            }
            var happened = _events[next];
            if (happened.Number > after || happened is AnswerFinished) yield return happened;
            if (happened is AnswerFinished) yield break;
        }
    }

    private void Add(GenerationEvent happened)
    {
        if (happened is TextDelta or ReasoningDelta) _firstText ??= time.GetElapsedTime(_start).TotalSeconds;
        _events.Add(happened);
        var told = _news;
        _news = new(TaskCreationOptions.RunContinuationsAsynchronously);
        told.SetResult();
    }

    private AnswerFinished Ended(string reason) => new(_events.Count + 1, reason,
        _events.OfType<AnswerStarted>().FirstOrDefault()?.PromptTokens ?? 0, feed.Tokens.Count,
        _events.OfType<PrefillStarted>().FirstOrDefault()?.CachedTokens ?? 0);
}
