namespace SmolCluster.Engine.Quantization;

/// <summary>What a format's quants allow the products of a <see cref="GroupTile"/>.</summary>
internal interface IGroupQuants
{
    /// <summary>How many quads of columns can be summed in 16 bits before their scale is applied: 4 or 8; 2 · 127 · the largest quant
    /// less <see cref="GroupOffset"/> · this stays below 32,768, and the columns share one scale. 1: the quants are signed and leave
    /// no room.</summary>
    static abstract int QuadsInHeadroom { get; }

    /// <summary>Quads of columns that share a scale and a minimum: 4 or 8.</summary>
    static abstract int QuadsAScale { get; }

    /// <summary>Taken off each quant within the 16 bits, where sums may wrap on their way to an end that fits: half the range, so
    /// twice the room. 0: nothing is, and what the quants lack is added in the end.</summary>
    static abstract int GroupOffset { get; }

    /// <summary>Bytes of a group between one scale's quants and the next's, where quants are bytes already and are multiplied as they lie;
    /// 0: they are unpacked into the tile.</summary>
    static abstract int Gap { get; }

    /// <summary>Whether scales are integers that the products are multiplied with; else each scale's products stand apart.</summary>
    static abstract bool IntegerScales { get; }
}
