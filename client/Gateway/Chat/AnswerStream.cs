using SmolCluster.Contracts;
using SmolCluster.Gateway.Errors;
using SmolCluster.Gateway.Operations;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>How long a broken answer is worth trying elsewhere.</summary>
/// <param name="Limit">From the first failure after an event until the client is told.</param>
/// <param name="GivenUp">This process is ending, and with it whoever could go on.</param>
internal sealed record AnswerPatience(TimeSpan Limit, TimeProvider Time, CancellationToken GivenUp);

/// <summary>The events of an answer, each once and in order, whatever happens to the silos. A stream that breaks, or gives no
/// sign of life for a while, is left, and the conversation is asked to go on from the last event, on whichever silo it
/// lives then. What the reader has (the request, the tokens so far) travels along, so that nothing depends on what the lost
/// silo had written.</summary>
/// <param name="request">Null: the answer goes on from its record, after <paramref name="start"/>.</param>
/// <param name="attempts">Told of each, for the answer's trace.</param>
internal sealed class AnswerStream(IConversationGrain conversation, ChatRequest? request, AnswerCursor start, AnswerAttempts attempts,
    AnswerPatience patience, ILogger logger, CancellationToken cancellation) : IAsyncDisposable
{
    /// <summary>For an answer that has not begun: its client has got no promise yet, and a clear word soon is worth more.</summary>
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

    private readonly Deadline? deadline = Deadline.Current;
    private readonly List<int>? tokens = request is null ? null : [];
    private AnswerCursor known = start with { Reader = Guid.NewGuid() };
    private ChatRequest? request = request;
    private IAsyncEnumerator<GenerationEvent>? events;
    private bool begun = request is null;
    private bool finished;
    private bool refused;

    /// <returns>The next event; null after the last.</returns>
    /// <exception cref="ChatException">It was refused, or could not go on anywhere.</exception>
    /// <exception cref="ApiException">The client's time for it is over: 504.</exception>
    public async Task<GenerationEvent?> NextAsync()
    {
        try
        {
            return finished ? null : await NextFromAnywhereAsync();
        }
        catch (OperationCanceledException) when (deadline is { Passed: true })
        {
            throw new ApiException(deadline.Error);
        }
    }

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
                refused = true;
                attempts.End(failure);
                throw;
            }
            catch (Exception failure) when (MayGoOn(failure, broken ??= patience.Time.GetTimestamp()))
            {
                logger.LogInformation("The answer after event {Number} broke off ({Failure}); going on elsewhere", known.Number, failure.Message);
                attempts.End(failure);
                Abandon();
            }
            await Task.Delay(pause, patience.Time, cancellation);
        }
    }

    /// <summary>Leaving an answer that has not ended tells the conversation to stop and free its cache.</summary>
    public ValueTask DisposeAsync()
    {
        if (!refused && events is not null && known.Number == 0)
            conversation.StopAnswer().Ignore(); // one that was given up before its first event cannot be left through its enumerator
        attempts.End(null);
        Abandon();
        return ValueTask.CompletedTask;
    }

    private async Task<GenerationEvent> ReadAsync()
    {
        if (request is not null)
            PlacementWish.Set(request.Model, PrefixOf(request));
        events ??= Open().GetAsyncEnumerator(cancellation);
        do
        {
            if (!await events.MoveNextAsync().AsTask().WaitAsync(Liveness.StreamIdleLimit, patience.Time, cancellation))
                throw new EnumerationAbortedException("The answer ended without its last event.");
        }
        while (events.Current is KeepAlive);
        return events.Current;
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
        attempts.Begin(known.Number);
        if (!begun && request is not null)
        {
            begun = true;
            return conversation.Ask(request, cancellation);
        }
        known = known with { Attempt = known.Attempt + 1 };
        return conversation.GoOn(request, known with { Tokens = tokens?.ToArray() }, cancellation);
    }

    private GenerationEvent Accept(GenerationEvent happened)
    {
        finished = happened is AnswerFinished;
        if (happened.Number != known.Number + 1 && !(finished && happened.Number <= known.Number))
            throw new InvalidOperationException($"After event {known.Number} of an answer came event {happened.Number}.");
        known = known with { Number = happened.Number };
        if (happened is AnswerStarted started)
        {
            known = known with { Identity = started.Identity };
            attempts.From(started.Silo);
            request = request is { } asked ? asked with { MaxTokens = started.MaxTokens, PromptRoom = asked.TruncatePrompt ? started.PromptTokens : null } : null;
        }
        else if (happened is PrefillStarted prefill)
            known = known with { CachedTokens = prefill.CachedTokens };
        else if (happened is AnswerDelta delta)
            tokens?.AddRange(delta.Tokens);
        return happened;
    }

    /// <summary>A failure before anything was answered is the client's to hear at once, unless only the way there broke.</summary>
    private bool MayGoOn(Exception failure, long since) =>
        !cancellation.IsCancellationRequested && !patience.GivenUp.IsCancellationRequested
        && patience.Time.GetElapsedTime(since) < (known.Number > 0 || patience.Limit < StartLimit ? patience.Limit : StartLimit)
        && (ClusterErrors.StreamBroke(failure) || failure is OrleansException || (known.Number > 0 && IsElsewhere(failure)));

    /// <summary>Whether what a silo cannot do may be possible on another, or later.</summary>
    private static bool IsElsewhere(Exception failure) => failure is ChatException
    {
        Error: ChatError.Interrupted or ChatError.ModelLoading or ChatError.ModelNotFound or ChatError.ModelFailed
            or ChatError.ModelDiffers or ChatError.QueueFull or ChatError.StorageUnavailable or ChatError.Busy
    };

    /// <summary>Nobody waits for the goodbye: a silo that is gone answers it only when it is given up.</summary>
    private void Abandon()
    {
        if (events is { } left)
            _ = LeaveAsync(left);
        events = null;
    }

    private static async Task LeaveAsync(IAsyncEnumerator<GenerationEvent> left)
    {
        try
        {
            await left.DisposeAsync();
        }
        catch (Exception failure) when (failure is NotSupportedException or ChatException or OrleansException || ClusterErrors.StreamBroke(failure))
        {
            // what was left was broken already, or waits for an event that will not come
        }
    }
}
