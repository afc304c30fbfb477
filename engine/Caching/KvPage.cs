namespace SmolCluster.Engine.Caching;

/// <summary>
/// Keys and values of <see cref="KvLayout.PageLength"/> positions. It is in one state at a time: free; held by the one
/// sequence that writes it; in the prefix index with readers; in the index without, and then evictable. In the index it is
/// read-only.
/// </summary>
internal sealed unsafe class KvPage
{
    public KvPage(int number, byte* data)
    {
        Number = number;
        Data = data;
        Place = new(this);
    }

    /// <summary>From 0, for as long as its pool lives: nodes with other layers of the model keep theirs under the same number.</summary>
    public int Number { get; }

    /// <summary>Laid out as <see cref="KvLayout"/> says.</summary>
    public byte* Data { get; }

    /// <summary>Whether what is no number was ever stored in it, as F16: attention then reads it with more care. Threads that store
    /// other positions of the page only ever set it.</summary>
    public bool HoldsNoNumber { get; set; }

    /// <summary>Sequences that have it in their page table.</summary>
    public int Readers { get; set; }

    /// <summary>The page of the positions before, in the index too; null: this is a sequence's first page, or not in the index.</summary>
    public KvPage? Parent { get; set; }

    /// <summary>The ids at its positions; null: not in the index.</summary>
    public int[]? Tokens { get; set; }

    /// <summary>See <see cref="KvSequence"/>.</summary>
    public object? Weights { get; set; }

    /// <summary>Pages in the index whose <see cref="Parent"/> this is.</summary>
    public int Children { get; set; }

    /// <summary>Its place among the pages without a reader.</summary>
    public LinkedListNode<KvPage> Place { get; }

    public bool IsIndexed => Tokens is not null;
}
