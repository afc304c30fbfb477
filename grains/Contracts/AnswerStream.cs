using Microsoft.Extensions.Logging;

namespace SmolCluster.Contracts;

/// <summary>How long a broken answer is worth trying elsewhere.</summary>
/// <param name="Limit">From the first failure after an event until the client is told.</param>
/// <param name="GivenUp">This process is ending, and with it whoever could go on.</param>
public sealed record AnswerPatience(TimeSpan Limit, TimeProvider Time, CancellationToken GivenUp);

/// <summary>The events of an answer, each once and in order, whatever happens to the silos. A stream that breaks, or gives no
/// sign of life for a while, is left, and the conversation is asked to go on from the last event, on whichever silo it
/// lives then. What the reader has (the request, the tokens so far) travels along, so that nothing depends on what the lost
/// silo had written.</summary>
/// <param name="request">Null: the answer goes on from its record, after <paramref name="start"/>.</param>
/// <param name="attempts">Told of each, for the answer's trace.</param>
public sealed class AnswerStream(IConversationGrain conversation, ChatRequest? request, AnswerCursor start, AnswerAttempts attempts,
    AnswerPatience patience, ILogger logger, CancellationToken cancellation) : IAsyncDisposable
{
    /// <summary>For an answer that has not begun: its client has got no promise yet, and a clear word soon is worth more.</summary>
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

    private readonly Patience _silence = new(Liveness.StreamIdleLimit, patience.Time);
    private readonly string? _prefix = request is null ? null : PrefixOf(request);
    private readonly List<int>? _tokens = request is null ? null : [];
    private AnswerCursor _known = start with { Reader = Guid.NewGuid() };
    private ChatRequest? _request = request;
    private IAsyncEnumerator<GenerationEvent>? _events;
    private bool _begun = request is null;
    private bool _finished;
    private bool _refused;

    /// <returns>The next event; null after the last.</returns>
    /// <exception cref="ChatException">It was refused, or could not go on anywhere.</exception>
    public async Task<GenerationEvent?> NextAsync() => _finished ? null : await NextFromAnywhereAsync();

    /// <summary>Whether the silo that answered is gone, not the answer wrong: another silo could go on. A cancellation that comes
    /// this far is the silo's: the client's own ends with its connection, where nobody reads an error.</summary>
    public static bool Broke(Exception failure) =>
        failure is TimeoutException or SiloUnavailableException or EnumerationAbortedException or OrleansMessageRejectionException
            or OperationCanceledException;

    private async Task<GenerationEvent> NextFromAnywhereAsync()
    {
        long? broken = null;
        for (var pause = ShortestPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                return Accept(await ReadAsync());
            }
            catch (ChatException failure) when (!MayGoOn(failure, broken ??= patience.Time.GetTimestamp()))
            {
                _refused = true;
                attempts.End(failure);
                throw;
            }
            catch (Exception failure) when (MayGoOn(failure, broken ??= patience.Time.GetTimestamp()))
            {
                logger.LogInformation("The answer after event {Number} broke off ({Failure}); going on elsewhere", _known.Number, failure.Message);
                attempts.End(failure);
                Abandon();
            }
            await Task.Delay(pause, patience.Time, cancellation);
        }
    }

    /// <summary>Leaving an answer that has not ended tells the conversation to stop and free its cache.</summary>
    public ValueTask DisposeAsync()
    {
        if (!_refused && _events is not null && _known.Number == 0)
            conversation.StopAnswer().Ignore(); // one that was given up before its first event cannot be left through its enumerator
        attempts.End(null);
        Abandon();
        return ValueTask.CompletedTask;
    }

    private async Task<GenerationEvent> ReadAsync()
    {
        if (_request is not null)
            PlacementWish.Set(_request.Model, _prefix);
        _events ??= Open().GetAsyncEnumerator(cancellation);
        do
        {
            var next = _events.MoveNextAsync().AsTask();
            if (!await _silence.Completes(next, cancellation))
                throw new TimeoutException($"Without a sign of life for {Liveness.StreamIdleLimit.TotalSeconds} s.");
            if (!await next)
                throw new EnumerationAbortedException("The answer ended without its last event.");
        }
        while (_events.Current is KeepAlive);
        return _events.Current;
    }

    /// <summary>Requests with the same first words share what is computed of them: the system's, else the first question.</summary>
    private static string PrefixOf(ChatRequest request)
    {
        string first = request.Prompt is { } raw ? raw.Text ?? string.Join(',', raw.Tokens!.Take(64)) : request.Messages is [var message, ..] ? message.Content : "";
        byte[] hash = System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(first));
        return Convert.ToHexStringLower(hash.AsSpan(0, 8));
    }

    private IAsyncEnumerable<GenerationEvent> Open()
    {
        attempts.Begin(_known.Number);
        if (!_begun && _request is not null)
        {
            _begun = true;
            return conversation.Ask(_request, cancellation);
        }
        _known = _known with { Attempt = _known.Attempt + 1 };
        return conversation.GoOn(_request, _known with { Tokens = _tokens?.ToArray() }, cancellation);
    }

    private GenerationEvent Accept(GenerationEvent happened)
    {
        _finished = happened is AnswerFinished;
        if (happened.Number != _known.Number + 1 && !(_finished && happened.Number <= _known.Number))
            throw new InvalidOperationException($"After event {_known.Number} of an answer came event {happened.Number}.");
        _known = _known with { Number = happened.Number };
        if (happened is AnswerStarted started)
        {
            _known = _known with { Identity = started.Identity };
            attempts.From(started.Silo);
            _request = _request is { } asked ? asked with { MaxTokens = started.MaxTokens, PromptRoom = asked.TruncatePrompt ? started.PromptTokens : null } : null;
        }
        else if (happened is PrefillStarted prefill)
            _known = _known with { CachedTokens = prefill.CachedTokens };
        else if (happened is AnswerDelta delta)
            _tokens?.AddRange(delta.Tokens);
        return happened;
    }

    /// <summary>A failure before anything was answered is the client's to hear at once, unless only the way there broke.</summary>
    private bool MayGoOn(Exception failure, long since) =>
        !cancellation.IsCancellationRequested && !patience.GivenUp.IsCancellationRequested
        && patience.Time.GetElapsedTime(since) < (_known.Number > 0 || patience.Limit < StartLimit ? patience.Limit : StartLimit)
        && (Broke(failure) || failure is OrleansException || (_known.Number > 0 && IsElsewhere(failure)));

    /// <summary>Whether what a silo cannot do may be possible on another, or later.</summary>
    private static bool IsElsewhere(Exception failure) => failure is ChatException
    {
        Error: ChatError.Interrupted or ChatError.ModelLoading or ChatError.ModelNotFound or ChatError.ModelFailed
            or ChatError.ModelDiffers or ChatError.QueueFull or ChatError.StorageUnavailable or ChatError.Busy
    };

    /// <summary>Nobody waits for the goodbye: a silo that is gone answers it only when it is given up.</summary>
    private void Abandon()
    {
        if (_events is { } left)
            _ = LeaveAsync(left);
        _events = null;
    }

    private static async Task LeaveAsync(IAsyncEnumerator<GenerationEvent> left)
    {
        try
        {
            await left.DisposeAsync();
        }
        catch (Exception failure) when (failure is NotSupportedException or ChatException or OrleansException || Broke(failure))
        {
            // what was left was broken already, or waits for an event that will not come
        }
    }
}
