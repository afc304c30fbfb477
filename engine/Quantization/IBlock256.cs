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

    /// <summary>Whether one token alone is multiplied by <see cref="MultiplyOne"/>, without a tile.</summary>
    static virtual bool MultipliesOne => false;

    /// <summary>Sixteen rows' block times one token, quants in registers from memory to product: a third less to do than by way of the
    /// tile, where the token is waited for by the memory. Scales and minimums are unpacked into the tile.</summary>
    /// <param name="quadSums">The block's, as in <see cref="IGroupDot"/> but where they are.</param>
    /// <param name="products">[16]</param>
    /// <param name="ahead">As in <see cref="IGroupDot"/>.</param>
    static virtual void MultiplyOne<TDot>(byte* group, GroupTile* tile, sbyte* token, sbyte* quadSums, int* products, byte* ahead)
        where TDot : struct, IGroupDot =>
        throw new NotSupportedException("One token goes by way of the tile.");
}
