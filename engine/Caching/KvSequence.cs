using System.Diagnostics;

namespace SmolCluster.Engine.Caching;

/// <summary>The keys and values of one sequence: a page table over a pool. What it holds is a cache of a pure function of
/// the tokens: <see cref="Clear"/> loses nothing but time, and where the pool has an index, pages with the same tokens are
/// one page.</summary>
/// <param name="weights">What computes them beside the model's own weights: sequences with other weights share no pages. Null: nothing.</param>
public sealed unsafe class KvSequence(KvPagePool pool, object? weights = null) : IDisposable
{
    private readonly List<KvPage> _pages = [];
    private readonly object? _weights = weights;
    private int _shared; // how many of them, from the first, are in the index

    public KvPagePool Pool { get; } = pool;

    /// <summary>Positions whose keys and values are stored, from the first.</summary>
    public int Length { get; private set; }

    public int PageCount => _pages.Count;

    /// <summary>A sequence whose pages another node's pool has given out by number. Nobody disposes it: its pages are not counted here.</summary>
    /// <param name="pool">Whose pages of these numbers hold this node's layers.</param>
    /// <param name="numbers">The whole page table.</param>
    /// <param name="length">Positions that are stored.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no page of such a number.</exception>
    internal static KvSequence Mirror(KvPagePool pool, ReadOnlySpan<int> numbers, int length)
    {
        var sequence = new KvSequence(pool) { Length = length };
        foreach (int number in numbers)
        {
            sequence._pages.Add(pool.At(number));
        }

        for (int page = KvLayout.Pages(length); page < numbers.Length; page++)
        {
            sequence._pages[page].HoldsNoNumber = false; // nothing is stored in it any more, whatever it held for others
        }

        return sequence;
    }

    /// <summary>The pages' numbers, in order.</summary>
    internal int[] Numbers(int count) => [.. _pages.Take(count).Select(static page => page.Number)];

    /// <summary>Takes pages until <paramref name="positions"/> fit; false, and nothing changed, where the pool has too few.</summary>
    public bool TryReserve(int positions)
    {
        int missing = KvLayout.Pages(positions) - _pages.Count;
        if (missing > Pool.Available)
        {
            return false;
        }

        for (; missing > 0 && Pool.TryRent(out KvPage? page); missing--)
        {
            _pages.Add(page);
        }

        return true;
    }

    /// <summary>Takes from the index every page that follows and is full of these tokens, in place of what is stored of it
    /// here. The last token is left to compute, because its logits are needed.</summary>
    /// <param name="tokens">All tokens known; the first <see cref="Length"/> are those stored.</param>
    public void Adopt(ReadOnlyMemory<int> tokens)
    {
        if (!tokens.IsEmpty)
        {
            AdoptWhole(tokens[..^1]);
        }
    }

    /// <summary>As <see cref="Adopt"/>, the last token's page included.</summary>
    internal void AdoptWhole(ReadOnlyMemory<int> tokens)
    {
        while ((_shared + 1) * KvLayout.PageLength <= tokens.Length && FindNext(tokens) is { } page)
        {
            Share(page);
            Length = _shared * KvLayout.PageLength;
        }
    }

    /// <summary>Puts the pages that are full by now into the index, or takes the equal ones that are there in their place.</summary>
    /// <param name="tokens">All tokens known; the first <see cref="Length"/> are those stored.</param>
    public void Publish(ReadOnlyMemory<int> tokens)
    {
        while (Pool.Index is { } index && (_shared + 1) * KvLayout.PageLength <= Length)
        {
            if (FindNext(tokens) is { } page)
            {
                AssertSameBits(page, _pages[_shared]);
                Share(page);
            }
            else
            {
                index.Add(_pages[_shared], Parent, PageTokens(tokens), _weights);
                _shared++;
            }
        }
    }

    /// <summary>Forgets the positions from <paramref name="length"/> on, and returns the pages that held nothing else. What is
    /// left of them in the last page is never read: it lies past the length, and is written again before it comes to lie within.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Longer than what is stored, or within pages that others may read.</exception>
    internal void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, _shared * KvLayout.PageLength);
        for (int last = _pages.Count - 1; last >= KvLayout.Pages(length); last--)
        {
            Pool.Release(_pages[last]);
            _pages.RemoveAt(last);
        }

        Length = length;
    }

    /// <summary>Returns all pages.</summary>
    public void Clear()
    {
        for (int i = _pages.Count - 1; i >= 0; i--) // last to first: the index rests on this order
        {
            Pool.Release(_pages[i]);
        }

        _pages.Clear();
        _shared = 0;
        Length = 0;
    }

    /// <summary>Whether <paramref name="other"/> is about to fill the page that this sequence could adopt next.</summary>
    /// <param name="tokens">All tokens known of this sequence.</param>
    /// <param name="other">May be this sequence.</param>
    /// <param name="otherTokens">All tokens known of the other.</param>
    internal bool CanAwait(ReadOnlyMemory<int> tokens, KvSequence other, ReadOnlyMemory<int> otherTokens)
    {
        int end = (_shared + 1) * KvLayout.PageLength;
        return Pool.Index is not null && _shared == other._shared && ReferenceEquals(Parent, other.Parent) && ReferenceEquals(_weights, other._weights) &&
            end < tokens.Length && end <= otherTokens.Length && PageTokens(tokens).Span.SequenceEqual(other.PageTokens(otherTokens).Span);
    }

    /// <summary>Marks <paramref name="count"/> more positions as stored, after a forward step wrote them.</summary>
    internal void Advance(int count) => Length += count;

    internal byte* Page(int index) => _pages[index].Data;

    internal KvPage PageAt(int index) => _pages[index];

    /// <summary>A page that this sequence alone has.</summary>
    internal KvPage WritablePage(int index)
    {
        Debug.Assert(index >= _shared && _pages[index] is { IsIndexed: false, Readers: 1 }, "Nobody writes to a shared page.");
        return _pages[index];
    }

    public void Dispose() => Clear();

    private KvPage? Parent => _shared == 0 ? null : _pages[_shared - 1];

    private KvPage? FindNext(ReadOnlyMemory<int> tokens) => Pool.Index?.Find(Parent, PageTokens(tokens), _weights);

    private ReadOnlyMemory<int> PageTokens(ReadOnlyMemory<int> tokens) =>
        tokens.Slice(_shared * KvLayout.PageLength, KvLayout.PageLength);

    private void Share(KvPage page)
    {
        Pool.Hold(page);
        if (_shared < _pages.Count)
        {
            Pool.Release(_pages[_shared]);
            _pages[_shared] = page;
        }
        else
        {
            _pages.Add(page);
        }

        _shared++;
    }

    // the numerics contract itself: whoever computed them, equal tokens give equal keys and values
    [Conditional("DEBUG")]
    private void AssertSameBits(KvPage a, KvPage b)
    {
        int bytes = checked((int)Pool.Layout.PageBytes);
        Debug.Assert(new Span<byte>(a.Data, bytes).SequenceEqual(new Span<byte>(b.Data, bytes)), "Two computations of one page differ.");
    }
}
