using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Caching;

/// <summary>
/// Full pages of the prefix index as bytes, out of one pool and into another: what the index holds is a function of the tokens
/// (the numerics contract), so an equal pool elsewhere may take it instead of computing it, and its sequences find it there as
/// they find their own. What makes pools equal is <see cref="Layout"/> and the model's identity; whoever carries the bytes
/// checks both, and that they arrived whole.
/// Owned by the batch loop's thread.
/// </summary>
internal sealed class KvTransfer(KvPagePool pool, int vocabulary)
{
    /// <summary>How many bytes a page has and how they lie, for another pool to compare.</summary>
    public string Layout { get; } = $"{pool.Layout.Type}/{KvLayout.PageLength}x{pool.Layout.HeadCount}x{pool.Layout.HeadLength}/{pool.Layout.PageBytes}";

    /// <summary>The pages that the index has of these tokens, from a page on.</summary>
    /// <param name="tokens">From a text's first one.</param>
    /// <param name="first">Page to begin with.</param>
    /// <param name="most">Pages at most.</param>
    /// <returns>[pages][page bytes]; empty: there are none.</returns>
    public byte[] Copy(ReadOnlyMemory<int> tokens, int first, int most)
    {
        using var sequence = new KvSequence(pool);
        sequence.Adopt(tokens);
        int count = Math.Clamp(sequence.PageCount - first, 0, most), bytes = checked((int)pool.Layout.PageBytes);
        byte[] copy = GC.AllocateUninitializedArray<byte>(checked(count * bytes));
        for (int i = 0; i < count; i++)
        {
            Bytes(sequence, first + i).CopyTo(copy.AsSpan(i * bytes));
        }

        return copy;
    }

    /// <summary>Puts pages into the index behind those that it has of these tokens; leaves early where the pool is full of what
    /// sequences read.</summary>
    /// <param name="tokens">From the text's first one to the end of the last page.</param>
    /// <param name="pages">[pages][page bytes], the last ones of <paramref name="tokens"/>; empty: only to ask what is here.</param>
    /// <returns>Tokens, from the first, that the index has now.</returns>
    /// <exception cref="ArgumentException">The bytes are not whole pages, the tokens do not end with the last of them, or lie
    /// outside the vocabulary; nothing was taken.</exception>
    public int Take(ReadOnlyMemory<int> tokens, ReadOnlySpan<byte> pages)
    {
        int bytes = checked((int)pool.Layout.PageBytes), count = pages.Length / bytes, last = tokens.Length / KvLayout.PageLength;
        if (pages.Length % bytes != 0 || tokens.Length % KvLayout.PageLength != 0 || count > last)
        {
            throw new ArgumentException($"{pages.Length} bytes for {tokens.Length} tokens are not the pages of {bytes} bytes and {KvLayout.PageLength} tokens that end them.");
        }

        if (tokens.Span.ContainsAnyExceptInRange(0, vocabulary - 1))
        {
            throw new ArgumentException($"A token lies outside the vocabulary of {vocabulary}.", nameof(tokens));
        }

        using var sequence = new KvSequence(pool);
        sequence.AdoptWhole(tokens);
        for (int page = sequence.PageCount; page >= last - count && page < last && sequence.TryReserve((page + 1) * KvLayout.PageLength); page++)
        {
            Fill(sequence.WritablePage(page), pages.Slice((page - last + count) * bytes, bytes));
            sequence.Advance(KvLayout.PageLength);
            sequence.Publish(tokens);
        }

        return sequence.Length;
    }

    private unsafe void Fill(KvPage page, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(new Span<byte>(page.Data, bytes.Length));
        page.HoldsNoNumber = pool.Layout.Type == KvType.F16 && HalfFloats.HoldNoNumber(bytes);
    }

    private unsafe ReadOnlySpan<byte> Bytes(KvSequence sequence, int page) => new(sequence.Page(page), (int)pool.Layout.PageBytes);
}
