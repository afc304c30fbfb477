namespace SmolCluster.Engine.Quantization;

/// <summary>A format with blocks of 256 weights; the implementing struct is the block's layout in the file.</summary>
internal unsafe interface IBlock256<TSelf> : IGroupQuants
    where TSelf : unmanaged, IBlock256<TSelf>
{
    /// <summary>Where a block's fields go beside those of fifteen other rows.</summary>
    static abstract GroupLayout Layout { get; }

    /// <summary>Quants use all eight bits with a sign; otherwise they are at most 63 and products of pairs fit 16 bits unsigned.</summary>
    static abstract bool Signed { get; }

    static abstract Correction Correction { get; }

    static int IGroupQuants.Gap => 0;

    static bool IGroupQuants.IntegerScales => true;

    /// <summary>Reads the block as the format is defined, one weight at a time: the oracle of <see cref="UnpackVector"/>.</summary>
    static abstract void Unpack(TSelf* block, Tile256* tile);

    /// <summary>The same tile by vectors. Integer operations only, hence one body for all widths.</summary>
    static abstract void UnpackVector(TSelf* block, Tile256* tile);

    /// <summary>Sixteen rows' block, laid out by <see cref="GroupLayout"/>. For AVX2.</summary>
    static abstract void UnpackGroup(byte* group, GroupTile* tile);
}
