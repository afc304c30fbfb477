using SmolCluster.Contracts;

namespace SmolCluster.Grains;

/// <summary>Writes an answer down while it runs: what was asked before the first event, then the tokens, now and then and never
/// in the answer's way, then its end. A write that fails in between is no loss: what storage lacks is generated again,
/// identically.</summary>
internal sealed class AnswerLog(ConversationRecord record, ConversationState state, bool keeps, TimeProvider time)
{
    /// <summary>Between the beginnings of two writes. What is generated in this time is what a failover generates twice; a write
    /// holds the whole record, so writing at each token would cost more than that.</summary>
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(250);

    /// <summary>How long the end of an answer waits for storage to come back.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(40);

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);

    private readonly AnswerContent _content = new();
    private ConversationState _state = state;
    private Task _writing = Task.CompletedTask;
    private long _lastWrite;

    public async Task Begin(CancellationToken cancellation)
    {
        if (!keeps) return;
        _state = await record.Begin(_state, cancellation);
        _lastWrite = time.GetTimestamp();
    }

    public void Prefilled(int cachedTokens) => _state = _state with { CachedTokens = cachedTokens };

    /// <summary>More of the answer.</summary>
    /// <exception cref="ChatException">Interrupted: another activation writes here; this one is to stop.</exception>
    public async ValueTask Add(AnswerDelta delta, IReadOnlyList<int> tokens, CancellationToken cancellation)
    {
        _content.Add(delta);
        // what is on record already, from who went before, is not written again
        if (!keeps || tokens.Count <= _state.Tokens.Count || !_writing.IsCompleted || time.GetElapsedTime(_lastWrite) < s_interval) return;
        await Written(_writing);
        _lastWrite = time.GetTimestamp();
        _writing = record.Write(Now(tokens, null), cancellation);
    }

    /// <summary>The whole answer, before its last event leaves. Waits for a storage that is away; one that stays away ends it.</summary>
    public async Task Finish(IReadOnlyList<int> tokens, string reason, CancellationToken cancellation)
    {
        if (!keeps) return;
        await Written(_writing);
        var start = time.GetTimestamp();
        while (true)
        {
            try
            {
                await record.Write(Now(tokens, reason), cancellation);
                return;
            }
            catch (ChatException problem) when (problem.Error == ChatError.StorageUnavailable && time.GetElapsedTime(start) < s_patience)
            {
                await Task.Delay(s_pause, time, cancellation);
            }
        }
    }

    private ConversationState Now(IReadOnlyList<int> tokens, string? reason) =>
        _state = _state with
        {
            Tokens = [.. tokens],
            Text = _content.Text,
            Reasoning = _content.Reasoning,
            ToolCalls = _content.ToolCalls,
            FinishReason = reason,
        };

    private static async ValueTask Written(Task writing)
    {
        try
        {
            await writing;
        }
        catch (ChatException problem) when (problem.Error == ChatError.StorageUnavailable)
        {
            // told in the silo's log; the next write holds what this one held
        }
    }
}
