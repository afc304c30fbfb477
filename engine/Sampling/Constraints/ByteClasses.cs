namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>Bytes that no set of a constraint tells apart are one class: a step is made once for all of them. A class that a new
/// set splits keeps its number for one half, so that what is known of it stays right.</summary>
internal sealed class ByteClasses
{
    private readonly byte[] _classOf = new byte[256];
    private readonly List<byte> _samples = [0];
    private readonly HashSet<ByteSet> _known = [];

    public int Count => _samples.Count;

    /// <summary>[byte] its class.</summary>
    public ReadOnlySpan<byte> Of => _classOf;

    /// <summary>A byte of the class.</summary>
    public byte Sample(int number) => _samples[number];

    /// <summary>From here on no class lies partly within the set.</summary>
    public void Separate(ByteSet set)
    {
        if (!_known.Add(set)) return;
        Span<int> moved = stackalloc int[256];
        moved.Fill(-1);
        for (int value = 0; value < 256; value++)
        {
            int old = _classOf[value];
            bool stays = set.Contains(value) == set.Contains(_samples[old]);
            if (stays) continue;
            if (moved[old] < 0)
            {
                moved[old] = _samples.Count;
                _samples.Add((byte)value);
            }
            _classOf[value] = (byte)moved[old];
        }
    }
}
