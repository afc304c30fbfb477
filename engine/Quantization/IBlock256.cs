namespace SmolCluster.Engine.Quantization;

/// <summary>A format with blocks of 256 weights; the implementing struct is the block's layout in the file.</summary>
internal unsafe interface IBlock256<TSelf>
    where TSelf : unmanaged, IBlock256<TSelf>
{
    /// <summary>Quants use all eight bits with a sign; otherwise they are at most 63 and products of pairs fit 16 bits unsigned.</summary>
    static abstract bool Signed { get; }

    static abstract Correction Correction { get; }

    /// <summary>How many quads of columns can be summed in 16 bits before their scale is applied: 2, 4 or 8; 2 · 127 · the largest
    /// quant · this stays below 32,768, and the columns share one scale.</summary>
    static abstract int QuadsInHeadroom { get; }

    /// <summary>Reads the block as the format is defined, one weight at a time: the oracle of <see cref="UnpackVector"/>.</summary>
    static abstract void Unpack(TSelf* block, Tile256* tile);

    /// <summary>The same tile by vectors. Integer operations only, hence one body for all widths.</summary>
    static abstract void UnpackVector(TSelf* block, Tile256* tile);
}
