using Microsoft.Extensions.Logging;
using SmolCluster.Contracts;

namespace SmolCluster.Grains.Conversations;

/// <summary>The events of one answer, each once and in order, whatever happens to the silo that answers: a stream that breaks is
/// left, and the answer goes on from the last event wherever its grain lives then. What the gateway's stream does for a
/// client, with the same cursor.</summary>
/// <param name="earlier">What is known of the answer before its first event here: a model's identity, tokens to go on from.</param>
/// <param name="begun">Whether it was asked before; else the first call asks.</param>
/// <param name="waits">Whether the first event is waited for as the others are: nobody is there who could be told that it does not come.</param>
internal sealed class AnswerFeed(IConversationGrain conversation, ChatRequest request, AnswerCursor earlier, bool begun, bool waits,
    TimeProvider time, ILogger logger, CancellationToken stopped)
{
    /// <summary>How long an answer that broke is worth trying elsewhere; afterwards a person can still go on with it.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan s_shortestPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(500);

    private readonly List<int> _tokens = [];
    private readonly IReadOnlyList<int>? _before = earlier.Tokens;
    private AnswerCursor _known = earlier with { Reader = Guid.NewGuid() };
    private ChatRequest _request = request;
    private IAsyncEnumerator<GenerationEvent>? _events;
    private bool _begun = begun;

    /// <summary>All that came so far.</summary>
    public IReadOnlyList<int> Tokens => _tokens;

    /// <summary>How many wait before this answer, as last told; null: it does not wait.</summary>
    public int? Ahead { get; private set; }

    /// <returns>The next event; the last is <see cref="AnswerFinished"/>.</returns>
    /// <exception cref="ChatException">It was refused, or can go on nowhere.</exception>
    public async Task<GenerationEvent> Next()
    {
        long? broken = null;
        for (var pause = s_shortestPause; ; pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause)
        {
            try
            {
                return Accept(await Read());
            }
            catch (Exception failure) when (MayGoOn(failure, broken ??= time.GetTimestamp()))
            {
                logger.LogInformation("The answer after event {Number} broke off ({Failure}); going on", _known.Number, failure.Message);
                Leave();
            }
            await Task.Delay(pause, time, stopped);
        }
    }

    /// <summary>Leaving an answer that has not ended frees its cache.</summary>
    public void Leave()
    {
        if (_events is { } left) Goodbye(left).Ignore();
        _events = null;
    }

    private async Task<GenerationEvent> Read()
    {
        PlacementWish.Set(_request.Model, null);
        _events ??= Open().GetAsyncEnumerator(stopped);
        do
        {
            if (!await _events.MoveNextAsync().AsTask().WaitAsync(Liveness.StreamIdleLimit, time, stopped))
                throw new EnumerationAbortedException("The answer ended without its last event.");
        }
        while (IsSignOfLife(_events.Current));
        return _events.Current;
    }

    private bool IsSignOfLife(GenerationEvent happened)
    {
        Ahead = (happened as KeepAlive)?.Ahead;
        return happened is KeepAlive;
    }

    private IAsyncEnumerable<GenerationEvent> Open()
    {
        bool again = _begun;
        _begun = true;
        if (!again) return conversation.Ask(_request, stopped);
        _known = _known with { Attempt = _known.Attempt + 1 };
        // until the first events have come, what was known before them is the longer
        return conversation.GoOn(_request, _known with { Tokens = _known.Number == 0 ? _before : [.. _tokens] }, stopped);
    }

    private GenerationEvent Accept(GenerationEvent happened)
    {
        if (happened.Number != _known.Number + 1)
            throw new InvalidOperationException($"After event {_known.Number} of an answer came event {happened.Number}.");
        _known = _known with { Number = happened.Number };
        if (happened is AnswerStarted started)
        {
            _known = _known with { Identity = started.Identity };
            _request = _request with { MaxTokens = started.MaxTokens };
        }
        else if (happened is PrefillStarted prefill)
            _known = _known with { CachedTokens = prefill.CachedTokens };
        else if (happened is AnswerDelta delta)
            _tokens.AddRange(delta.Tokens);
        return happened;
    }

    /// <summary>A refusal before anything was answered is the person's to hear at once, unless that waits.</summary>
    private bool MayGoOn(Exception failure, long since) =>
        !stopped.IsCancellationRequested && time.GetElapsedTime(since) < s_patience && (_known.Number > 0 || waits)
        && (StreamBroke(failure) || failure is ChatException
        {
            Error: ChatError.Interrupted or ChatError.ModelLoading or ChatError.ModelNotFound or ChatError.QueueFull
                or ChatError.StorageUnavailable or ChatError.Busy or ChatError.ModelFailed
        });

    private static bool StreamBroke(Exception failure) =>
        failure is TimeoutException or OrleansException or EnumerationAbortedException or OperationCanceledException;

    /// <summary>Nobody waits for it: a silo that is gone answers it only when it is given up.</summary>
    private static async Task Goodbye(IAsyncEnumerator<GenerationEvent> left)
    {
        try
        {
            await left.DisposeAsync();
        }
        catch (NotSupportedException)
        {
            // it waits for an event that will not come
        }
    }
}
