using System.Diagnostics;
using System.Runtime.InteropServices;

namespace SmolCluster.Engine.Caching;

/// <summary>
/// Full pages by content, so that a sequence computes only what no sequence before it has. A page's key is the page before it
/// and its own ids, so a key names the whole chain of tokens from the first; ids are compared one by one, and a hash only
/// finds the bucket: no collision can give another text's keys and values. By the numerics contract a found page has the bits
/// that computing it would give.
/// <para>A sequence that holds a page of the index holds all pages before it, and lets them go last to first. So pages that
/// nobody reads lie in the order of their last use with every child before its parent, and the first of them, the least
/// recently used, is always a leaf: eviction takes it without a search and never leaves a page that cannot be reached.</para>
/// <para>Privacy: all users of a node share. Nobody sees another's text, but who guesses a whole page of it can tell from
/// cached_tokens, or from the time to the first token, that someone on this node asked it lately.
/// <see cref="Serving.EngineOptions.PrefixCache"/> turns sharing off.</para>
/// Owned by the batch loop's thread; only the counters may be read from others.
/// </summary>
public sealed class PrefixIndex
{
    private readonly Dictionary<Key, KvPage> _pages;
    private readonly LinkedList<KvPage> _idle = new(); // pages without a reader, least recently used first
    private volatile int _idleCount;

    public PrefixIndex() : this(Hash) { }

    /// <param name="hash">Of the page before and a page's ids; a poor one costs time only.</param>
    internal PrefixIndex(Func<KvPage?, ReadOnlySpan<int>, int> hash) => _pages = new(new KeyComparer(hash));

    /// <summary>Pages that are kept though no sequence reads them.</summary>
    public int IdleCount => _idleCount;

    internal int Count => _pages.Count;

    /// <summary>The page that holds these ids after <paramref name="parent"/>'s, or null.</summary>
    /// <param name="parent">In the index; null: the ids are a sequence's first.</param>
    /// <param name="tokens">One page of ids.</param>
    /// <param name="weights">See <see cref="KvSequence"/>.</param>
    internal KvPage? Find(KvPage? parent, ReadOnlyMemory<int> tokens, object? weights = null) => _pages.GetValueOrDefault(new Key(parent, tokens, weights));

    /// <summary>Takes in a full page that nothing equal to is here; from now on nobody writes to it.</summary>
    internal void Add(KvPage page, KvPage? parent, ReadOnlyMemory<int> tokens, object? weights = null)
    {
        Debug.Assert(!page.IsIndexed && page is { Readers: 1, Children: 0 }, "A page comes into the index once, from its only writer.");
        Debug.Assert(parent is null || parent is { IsIndexed: true, Readers: > 0 }, "A page's reader reads the pages before it.");
        Debug.Assert(tokens.Length == KvLayout.PageLength, "Only full pages are shared.");
        page.Tokens = tokens.ToArray();
        page.Parent = parent;
        page.Weights = weights;
        _pages.Add(new Key(parent, page.Tokens, weights), page);
        if (parent is not null)
        {
            parent.Children++;
        }
    }

    /// <summary>A page has lost its last reader.</summary>
    internal void Rest(KvPage page)
    {
        _idle.AddLast(page.Place);
        _idleCount = _idle.Count;
    }

    /// <summary>A page without a reader gets one.</summary>
    internal void Wake(KvPage page)
    {
        _idle.Remove(page.Place);
        _idleCount = _idle.Count;
    }

    /// <summary>Forgets the least recently used page without a reader. There is one.</summary>
    internal KvPage Evict()
    {
        KvPage page = _idle.First!.Value;
        Debug.Assert(page is { IsIndexed: true, Readers: 0, Children: 0 }, "Only a leaf that nobody reads is evicted.");
        Wake(page);
        bool removed = _pages.Remove(new Key(page.Parent, page.Tokens, page.Weights));
        Debug.Assert(removed, "Every page without a reader is in the index.");
        if (page.Parent is { } parent)
        {
            parent.Children--;
        }

        page.Parent = null;
        page.Tokens = null;
        page.Weights = null;
        return page;
    }

    // seeded by the process, so nobody can prepare texts that fall into one bucket
    private static int Hash(KvPage? parent, ReadOnlySpan<int> tokens)
    {
        HashCode hash = default;
        hash.Add(parent);
        hash.AddBytes(MemoryMarshal.AsBytes(tokens));
        return hash.ToHashCode();
    }

    private readonly record struct Key(KvPage? Parent, ReadOnlyMemory<int> Tokens, object? Weights);

    private sealed class KeyComparer(Func<KvPage?, ReadOnlySpan<int>, int> hash) : IEqualityComparer<Key>
    {
        public bool Equals(Key x, Key y) => ReferenceEquals(x.Parent, y.Parent) && ReferenceEquals(x.Weights, y.Weights) && x.Tokens.Span.SequenceEqual(y.Tokens.Span);

        public int GetHashCode(Key key) => hash(key.Parent, key.Tokens.Span);
    }
}
