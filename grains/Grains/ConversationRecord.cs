using Microsoft.Extensions.Logging;
using Orleans.Storage;
using SmolCluster.Contracts;

namespace SmolCluster.Grains;

/// <summary>A conversation's record in storage, seen from one activation. Every answer is an epoch with a writer of its own, and
/// only the writer of the stored epoch writes: an activation that was frozen, cut off or doubled finds another name there, and
/// stops. Two silos cannot both write, because storage compares etags. A write whose outcome nobody told (storage hung, the
/// connection broke) leaves an etag that no longer fits; the writer's name then tells one's own write from a stranger's.</summary>
internal sealed class ConversationRecord(IGrainStorage storage, GrainId conversation, TimeProvider time, ILogger logger) : IDisposable
{
    private const string Name = "conversation";
    private static readonly TimeSpan s_retryAfter = TimeSpan.FromSeconds(2);

    /// <summary>Longer than a busy storage takes, shorter than a caller waits for a clear word.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _one = new(1);
    private Guid _writer;
    private string? _etag;

    /// <summary>As far as this activation knows; null: there is none, or it was not loaded.</summary>
    public ConversationState? Known { get; private set; }

    public bool Loaded { get; private set; }

    public async Task Load(CancellationToken cancellation)
    {
        if (Loaded) return;
        await _one.WaitAsync(cancellation);
        try
        {
            await Fetch(cancellation);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>The record of a conversation that cannot have one: its id was made for this request.</summary>
    public void AssumeNew() => Loaded = true;

    /// <summary>Begins an epoch: from here on only this state's writer writes.</summary>
    /// <returns>The state as it stands in storage now.</returns>
    /// <exception cref="ChatException">StorageUnavailable, or Interrupted: someone else was faster.</exception>
    public async Task<ConversationState> Begin(ConversationState state, CancellationToken cancellation)
    {
        var begun = state with { Epoch = (Known?.Epoch ?? 0) + 1, Writer = Guid.NewGuid() };
        _writer = begun.Writer;
        await Write(begun, cancellation);
        return begun;
    }

    /// <exception cref="ChatException">StorageUnavailable: try again. Interrupted: the state's writer has lost its turn.</exception>
    public async Task Write(ConversationState state, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            if (state.Writer != _writer) throw Fenced();
            if (!await TryPut(state, cancellation))
            {
                await Fetch(cancellation);
                if (Known?.Writer != state.Writer) throw Fenced();
                if (!await TryPut(state, cancellation)) throw Fenced();
            }
        }
        finally
        {
            _one.Release();
        }
    }

    public async Task Clear(CancellationToken cancellation)
    {
        _writer = default;
        await _one.WaitAsync(cancellation);
        try
        {
            if (Loaded && Known is null) return;
            if (!await TryClear(cancellation))
            {
                await Fetch(cancellation);
                await TryClear(cancellation);
            }
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private async Task Fetch(CancellationToken cancellation)
    {
        var stored = new GrainState<ConversationState>();
        await Reach(storage.ReadStateAsync(Name, conversation, stored, cancellation), cancellation);
        Known = stored is { RecordExists: true, State.Request: not null } ? stored.State : null;
        _etag = stored.ETag;
        Loaded = true;
    }

    /// <returns>False: the etag does not fit.</returns>
    private async Task<bool> TryPut(ConversationState state, CancellationToken cancellation)
    {
        // a state of its own for each attempt: one that nobody waits for any more may still change it
        var next = new GrainState<ConversationState>(state, _etag) { RecordExists = Known is not null };
        try
        {
            await Reach(storage.WriteStateAsync(Name, conversation, next, cancellation), cancellation);
        }
        catch (InconsistentStateException)
        {
            return false;
        }
        _etag = next.ETag;
        Known = state;
        return true;
    }

    private async Task<bool> TryClear(CancellationToken cancellation)
    {
        if (Known is null) return true;
        var gone = new GrainState<ConversationState>(Known, _etag) { RecordExists = true };
        try
        {
            await Reach(storage.ClearStateAsync(Name, conversation, gone, cancellation), cancellation);
        }
        catch (InconsistentStateException)
        {
            return false;
        }
        _etag = gone.ETag;
        Known = null;
        return true;
    }

    private async Task Reach(Task operation, CancellationToken cancellation)
    {
        try
        {
            await operation.WaitAsync(s_patience, time, cancellation);
        }
        catch (Exception problem) when (problem is not InconsistentStateException && !cancellation.IsCancellationRequested)
        {
            operation.Ignore();
            logger.LogWarning("Storage failed for {Conversation}: {Problem}", conversation, problem.Message);
            throw new ChatException(ChatError.StorageUnavailable,
                $"The storage of conversations cannot be reached ({problem.GetType().Name}: {problem.Message}). Nothing that was confirmed is lost. Try again shortly.")
            {
                RetryAfter = s_retryAfter,
            };
        }
    }

    private static ChatException Fenced() => new(ChatError.Interrupted,
        "This conversation goes on elsewhere, and this silo's part in it has ended. Send the request again.");
}
