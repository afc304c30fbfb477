namespace SmolCluster.Engine.Text;

/// <summary>A fixed number of byte strings in one array, found by content: 128k tokens in a few MB where a dictionary of
/// strings takes twenty and, its parts scattered, four times as long to look in. Open addressing over ids; the hash is
/// seeded for each process, so a file cannot be made to collide.</summary>
/// <param name="count">How many strings there will be.</param>
/// <param name="room">Their bytes together, at most.</param>
internal sealed class ByteStrings(int count, int room)
{
    private const int Free = -1;

    // string i is [_starts[i], _starts[i + 1])
    private readonly byte[] _bytes = new byte[room];
    private readonly int[] _starts = new int[count + 1];
    private readonly int[] _hashes = new int[count];
    private readonly int[] _slots = NewSlots(count);

    public ReadOnlySpan<byte> this[int id] => _bytes.AsSpan(_starts[id].._starts[id + 1]);

    /// <summary>Where the next string's bytes are to be written; <see cref="Append"/> keeps them.</summary>
    public Span<byte> Room(int id) => _bytes.AsSpan(_starts[id]);

    public void Append(int id, int length) => _starts[id + 1] = _starts[id] + length;

    /// <summary>Makes an appended string one that <see cref="Find"/> finds; false if an equal one is there already.</summary>
    public bool TryIndex(int id)
    {
        ReadOnlySpan<byte> bytes = this[id];
        int hash = Hash(bytes);
        int slot = Slot(bytes, hash);
        if (_slots[slot] != Free) return false;
        _slots[slot] = id;
        _hashes[id] = hash;
        return true;
    }

    /// <summary>The id of the indexed string with these bytes, or -1.</summary>
    public int Find(ReadOnlySpan<byte> bytes) => _slots[Slot(bytes, Hash(bytes))];

    private int Slot(ReadOnlySpan<byte> bytes, int hash)
    {
        int slot = hash & (_slots.Length - 1);
        while (_slots[slot] is int id and not Free && !(_hashes[id] == hash && this[id].SequenceEqual(bytes)))
            slot = (slot + 1) & (_slots.Length - 1);
        return slot;
    }

    private static int Hash(ReadOnlySpan<byte> bytes)
    {
        HashCode hash = new();
        hash.AddBytes(bytes);
        return hash.ToHashCode();
    }

    /// <summary>At least twice as many as strings, so that one is always free.</summary>
    private static int[] NewSlots(int count)
    {
        int[] slots = new int[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)count * 2 + 2)];
        Array.Fill(slots, Free);
        return slots;
    }
}
