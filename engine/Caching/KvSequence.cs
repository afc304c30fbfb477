namespace SmolCluster.Engine.Caching;

/// <summary>The keys and values of one sequence: a page table over a pool. What it holds is a cache of a pure function of
/// the tokens: <see cref="Clear"/> loses nothing but time.</summary>
public sealed unsafe class KvSequence(KvPagePool pool) : IDisposable
{
    private readonly List<nint> _pages = [];

    public KvPagePool Pool { get; } = pool;

    /// <summary>Positions whose keys and values are stored, from the first.</summary>
    public int Length { get; private set; }

    public int PageCount => _pages.Count;

    /// <summary>Takes pages until <paramref name="positions"/> fit; false, and nothing changed, where the pool has too few.</summary>
    public bool TryReserve(int positions)
    {
        int missing = KvLayout.Pages(positions) - _pages.Count;
        if (missing > Pool.Available)
        {
            return false;
        }

        for (; missing > 0 && Pool.TryRent(out byte* page); missing--)
        {
            _pages.Add((nint)page);
        }

        return true;
    }

    /// <summary>Returns all pages.</summary>
    public void Clear()
    {
        foreach (nint page in _pages)
        {
            Pool.Return((byte*)page);
        }

        _pages.Clear();
        Length = 0;
    }

    /// <summary>Marks <paramref name="count"/> more positions as stored, after a forward step wrote them.</summary>
    internal void Advance(int count) => Length += count;

    internal byte* Page(int index) => (byte*)_pages[index];

    public void Dispose() => Clear();
}
