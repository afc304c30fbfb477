using System.Runtime.InteropServices;

namespace SmolCluster.Engine.Caching;

/// <summary>
/// A bounded number of KV pages, taken from the system when first needed and kept for reuse. Owned by the batch loop's
/// thread: only the counters may be read from others.
/// </summary>
public sealed unsafe class KvPagePool : IDisposable
{
    private readonly Stack<nint> _free = new();
    private readonly List<nint> _all = [];
    private volatile int _used;

    /// <param name="layout">What a page holds.</param>
    /// <param name="capacity">Pages at most.</param>
    public KvPagePool(KvLayout layout, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        Layout = layout;
        Capacity = capacity;
    }

    public KvLayout Layout { get; }

    public int Capacity { get; }

    /// <summary>Pages that sequences hold now.</summary>
    public int Used => _used;

    public int Available => Capacity - _used;

    internal bool TryRent(out byte* page)
    {
        if (Available == 0)
        {
            page = null;
            return false;
        }

        if (!_free.TryPop(out nint free))
        {
            free = (nint)NativeMemory.AlignedAlloc((nuint)Layout.PageBytes, 64);
            _all.Add(free);
        }

        _used++;
        page = (byte*)free;
        return true;
    }

    internal void Return(byte* page)
    {
        _free.Push((nint)page);
        _used--;
    }

    public void Dispose()
    {
        foreach (nint page in _all)
        {
            NativeMemory.AlignedFree((void*)page);
        }

        _all.Clear();
        _free.Clear();
    }
}
