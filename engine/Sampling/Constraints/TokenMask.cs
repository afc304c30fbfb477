namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>Which tokens may come next: few by their ids, many as bits. Immutable.</summary>
internal sealed class TokenMask
{
    private const int Few = 256;

    private readonly int[]? _few;   // ascending
    private readonly ulong[] _bits; // [vocabulary / 64], empty where there are few

    /// <param name="bits">Of each token, 64 to a word; becomes the mask's own where many are set.</param>
    public TokenMask(ulong[] bits)
    {
        int count = bits.Sum(static word => System.Numerics.BitOperations.PopCount(word));
        (Count, _bits) = (count, bits);
        if (count > Few) return;
        _few = new int[count];
        int next = 0;
        for (int word = 0; word < bits.Length; word++)
        {
            for (ulong left = bits[word]; left != 0; left &= left - 1)
                _few[next++] = word * 64 + System.Numerics.BitOperations.TrailingZeroCount(left);
        }
        _bits = [];
    }

    /// <summary>Tokens allowed.</summary>
    public int Count { get; }

    public int Bytes => 64 + 8 * _bits.Length + 4 * (_few?.Length ?? 0);

    public bool Allows(int token) => _few is null ? (_bits[token >> 6] >> (token & 63) & 1) != 0 : Array.BinarySearch(_few, token) >= 0;

    /// <summary>Forbids what is not allowed: its logit becomes -∞.</summary>
    /// <param name="logits">[vocabulary]</param>
    public void Apply(Span<float> logits)
    {
        if (_few is not null)
        {
            Span<float> kept = stackalloc float[Few];
            for (int i = 0; i < _few.Length; i++) kept[i] = logits[_few[i]];
            logits.Fill(float.NegativeInfinity);
            for (int i = 0; i < _few.Length; i++) logits[_few[i]] = kept[i];
            return;
        }
        for (int word = 0; word < _bits.Length; word++)
        {
            ulong allowed = _bits[word];
            if (allowed == ulong.MaxValue) continue;
            Span<float> some = logits.Slice(word * 64, Math.Min(64, logits.Length - word * 64));
            if (allowed == 0) some.Fill(float.NegativeInfinity);
            else Forbid(some, ~allowed);
        }
    }

    private static void Forbid(Span<float> logits, ulong forbidden)
    {
        if (logits.Length < 64) forbidden &= (1UL << logits.Length) - 1;
        for (; forbidden != 0; forbidden &= forbidden - 1)
            logits[System.Numerics.BitOperations.TrailingZeroCount(forbidden)] = float.NegativeInfinity;
    }
}
