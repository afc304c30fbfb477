using SmolCluster.Engine.Caching;

namespace SmolCluster.Engine.Serving;

/// <summary>A model's pages of keys and values, to give to an equal model elsewhere and to take from one; see
/// <see cref="KvTransfer"/>. Thread-safe: the batch loop does each call's work between two steps, which wait for a copy in
/// memory and no longer.</summary>
public sealed class KvExchange
{
    private readonly BatchScheduler _scheduler;
    private readonly KvTransfer _transfer;

    internal KvExchange(BatchScheduler scheduler, KvTransfer transfer, long pageBytes) =>
        (_scheduler, _transfer, PageBytes) = (scheduler, transfer, pageBytes);

    /// <summary>Positions a page.</summary>
    public static int PageTokens => KvLayout.PageLength;

    public long PageBytes { get; }

    /// <summary>How the bytes of a page lie: only equal ones may be taken.</summary>
    public string Layout => _transfer.Layout;

    /// <summary>What computing a token of a prompt takes here; null: none was computed yet.</summary>
    public double? PrefillSecondsPerToken => _scheduler.Pace.SecondsPerToken;

    /// <summary>The full pages that are there of these tokens, from the page <paramref name="first"/> on.</summary>
    /// <returns>[pages][page bytes]; empty: no more are there.</returns>
    /// <exception cref="ObjectDisposedException">The model was unloaded.</exception>
    public Task<byte[]> Copy(ReadOnlyMemory<int> tokens, int first, int most) => _scheduler.Between(() => _transfer.Copy(tokens, first, most));

    /// <summary>Keeps pages for answers to come, as if they had been computed here.</summary>
    /// <param name="tokens">From the text's first one to the end of the last page.</param>
    /// <param name="pages">[pages][page bytes], the last ones of <paramref name="tokens"/>; unchanged until the task
    /// ends. Empty: only to ask what is here.</param>
    /// <returns>Tokens, from the first, that are here now.</returns>
    /// <exception cref="ArgumentException">They are not what they are said to be; nothing was taken.</exception>
    /// <exception cref="ObjectDisposedException">The model was unloaded.</exception>
    public Task<int> Take(ReadOnlyMemory<int> tokens, ReadOnlyMemory<byte> pages) => _scheduler.Between(() => _transfer.Take(tokens, pages.Span));
}
