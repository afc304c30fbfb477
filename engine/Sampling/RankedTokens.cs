namespace SmolCluster.Engine.Sampling;

/// <summary>The tokens of one set of logits from the likeliest down, sorted by (logit descending, id ascending) only as far
/// as somebody asks. Bands of falling logit are collected and sorted one after the other; bands do not overlap, so any
/// prefix is exactly the prefix of a full sort. Tokens of weight 0 (see <see cref="SamplingMath.Lowest"/>) are left out:
/// they cannot be drawn. Scratch that is used again; not thread-safe.</summary>
internal sealed class RankedTokens
{
    // depth of the bands below the largest logit, in units of the temperature: narrow where flat logits lie thick, since a
    // look over 128k logits costs 0.05 ms and sorting them all 10; the last is where weights are 0
    private static readonly double[] BandDepths = [1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 24, 32, 64, 128, -SamplingMath.Lowest];

    // sorted by one unsigned comparison: the logit's inverted bits above, the id below
    private ulong[] _keys = new ulong[1024];
    private double[] _weights = new double[1024];
    private int _count;
    private int _bands;
    private float _floor;
    private float _largest;
    private float _temperature;

    public void Start(ReadOnlySpan<float> logits, float largest, float temperature)
    {
        (_largest, _temperature, _count, _bands, _floor) = (largest, temperature, 0, 0, float.PositiveInfinity);
        Grow(logits);
    }

    /// <summary>Ranks at least <paramref name="count"/> tokens if there are so many; how many of those there are.</summary>
    public int Require(int count, ReadOnlySpan<float> logits)
    {
        while (_count < count && Grow(logits)) { }
        return Math.Min(count, _count);
    }

    /// <summary>The sum of the first weights, added from the first.</summary>
    public double Mass(int count)
    {
        double sum = 0;
        for (int i = 0; i < count; i++) sum += _weights[i];
        return sum;
    }

    /// <summary>How many of the first <paramref name="limit"/> tokens it takes for their weights to reach <paramref name="mass"/>;
    /// all, if rounding keeps the sum below it.</summary>
    public int PrefixOfMass(double mass, int limit, ReadOnlySpan<float> logits)
    {
        double sum = 0;
        for (int i = 0; i < limit && Has(i, logits); i++)
        {
            sum += _weights[i];
            if (sum >= mass) return i + 1;
        }
        return Math.Min(limit, _count);
    }

    /// <summary>How many of the first <paramref name="limit"/> tokens weigh at least <paramref name="share"/> of the first.</summary>
    public int PrefixAbove(double share, int limit, ReadOnlySpan<float> logits)
    {
        int kept = 0;
        while (kept < limit && Has(kept, logits) && _weights[kept] >= share) kept++;
        return kept;
    }

    /// <summary>The id of the first of the first <paramref name="limit"/> tokens whose weight lifts the sum above
    /// <paramref name="mass"/>; the last of them, if rounding keeps the sum at or below it.</summary>
    public int Passing(double mass, int limit, ReadOnlySpan<float> logits)
    {
        double sum = 0;
        int last = 0;
        for (int i = 0; i < limit && Has(i, logits); i++)
        {
            last = i;
            sum += _weights[i];
            if (sum > mass) break;
        }
        return (int)(uint)_keys[last];
    }

    private bool Has(int index, ReadOnlySpan<float> logits)
    {
        while (index >= _count && Grow(logits)) { }
        return index < _count;
    }

    /// <summary>Ranks the next band, possibly empty; false when there is none.</summary>
    private bool Grow(ReadOnlySpan<float> logits)
    {
        if (_bands == BandDepths.Length) return false;
        float ceiling = _floor;
        int start = _count;
        _floor = (float)(_largest - BandDepths[_bands++] * _temperature);
        for (int id = 0; id < logits.Length; id++)
        {
            float logit = logits[id];
            if (logit >= _floor && logit < ceiling) Add(logit, id);
        }
        Array.Sort(_keys, start, _count - start);
        for (int i = start; i < _count; i++)
        {
            _weights[i] = SamplingMath.Exp(((double)logits[(int)(uint)_keys[i]] - _largest) / _temperature);
            if (_weights[i] > 0) continue;
            (_count, _bands) = (i, BandDepths.Length);
        }
        return true;
    }

    private void Add(float logit, int id)
    {
        if (_count == _keys.Length)
        {
            Array.Resize(ref _keys, _count * 2);
            Array.Resize(ref _weights, _count * 2);
        }
        // adding 0 turns -0 into 0: they are equal logits; then a float's bits, sign folded, sort like its value
        uint bits = BitConverter.SingleToUInt32Bits(logit + 0f);
        uint ascending = (bits & 0x8000_0000) == 0 ? bits | 0x8000_0000 : ~bits;
        _keys[_count++] = (ulong)~ascending << 32 | (uint)id;
    }
}
