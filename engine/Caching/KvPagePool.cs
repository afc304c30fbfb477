using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace SmolCluster.Engine.Caching;

/// <summary>
/// A bounded number of KV pages, taken from the system when first needed and kept for reuse, with the number of sequences
/// that read each. With an index, full pages outlive their sequences until their room is needed. Owned by the batch loop's
/// thread: only the counters may be read from others.
/// </summary>
public sealed unsafe class KvPagePool : IDisposable
{
    private readonly Stack<KvPage> _free = new();
    private readonly List<KvPage> _all = [];
    private volatile int _used;

    /// <param name="layout">What a page holds.</param>
    /// <param name="capacity">Pages at most.</param>
    /// <param name="index">Empty, and this pool's alone; null: pages are not shared.</param>
    public KvPagePool(KvLayout layout, int capacity, PrefixIndex? index = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        Layout = layout;
        Capacity = capacity;
        Index = index;
    }

    /// <summary>How many pages so many bytes hold; at least one.</summary>
    public static int PagesOf(long bytes, long pageBytes) => (int)Math.Clamp(bytes / pageBytes, 1, int.MaxValue / KvLayout.PageLength);

    /// <summary>Half of what the machine has left beside so many bytes of weights: for pages, where nobody said how much.</summary>
    public static long MemoryBeside(long weightBytes) => Math.Max(0, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - weightBytes) / 2;

    public KvLayout Layout { get; }

    public int Capacity { get; }

    public PrefixIndex? Index { get; }

    /// <summary>Pages that sequences hold now; a shared one counts once.</summary>
    public int Used => _used;

    /// <summary>Pages to be had: free, not yet taken from the system, or evictable.</summary>
    public int Available => Capacity - _used;

    /// <summary>A page to write, with one reader; evicts the least recently used one where no page is free.</summary>
    internal bool TryRent([NotNullWhen(true)] out KvPage? page)
    {
        page = null;
        if (Available == 0)
        {
            return false;
        }

        if (!_free.TryPop(out page))
        {
            page = _all.Count < Capacity ? Allocate() : Index!.Evict();
        }

        page.Readers = 1;
        page.HoldsNoNumber = false;
        _used++;
        CheckStates();
        return true;
    }

    /// <summary>One more reader of a page in the index.</summary>
    internal void Hold(KvPage page)
    {
        Debug.Assert(page.IsIndexed, "Only pages of the index are shared.");
        if (page.Readers++ == 0)
        {
            Index!.Wake(page);
            _used++;
        }
    }

    /// <summary>One reader fewer; without any, a page of the index rests there and another is free.</summary>
    internal void Release(KvPage page)
    {
        Debug.Assert(page.Readers > 0, "A page is released once by each of its readers.");
        if (--page.Readers > 0)
        {
            return;
        }

        _used--;
        if (page.IsIndexed)
        {
            Index!.Rest(page);
        }
        else
        {
            _free.Push(page);
        }

        CheckStates();
    }

    /// <summary>The page of a number that another node's pool has given out. A pool is asked either for these or for pages of its own
    /// (<see cref="TryRent"/>): the other node keeps the book.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such page.</exception>
    internal KvPage At(int number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(number, Capacity);
        while (_all.Count <= number)
        {
            Allocate().Readers = 1;
        }

        return _all[number];
    }

    public void Dispose()
    {
        foreach (KvPage page in _all)
        {
            NativeMemory.AlignedFree(page.Data);
        }

        _all.Clear();
        _free.Clear();
    }

    private KvPage Allocate()
    {
        var page = new KvPage(_all.Count, (byte*)NativeMemory.AlignedAlloc((nuint)Layout.PageBytes, 64));
        _all.Add(page);
        return page;
    }

    [Conditional("DEBUG")]
    private void CheckStates() => Debug.Assert(_used + _free.Count + (Index?.IdleCount ?? 0) == _all.Count,
        "Every page is held, free, or kept by the index, and only one of these.");
}
