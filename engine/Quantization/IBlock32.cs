namespace SmolCluster.Engine.Quantization;

/// <summary>A format with blocks of 32 weights; the implementing struct is the block's layout in the file.</summary>
internal unsafe interface IBlock32<TSelf> : IGroupQuants
    where TSelf : unmanaged, IBlock32<TSelf>
{
    /// <summary>Where a block's fields go beside those of fifteen other rows.</summary>
    static abstract GroupLayout Layout { get; }

    /// <summary>Quants use all eight bits with a sign; otherwise they are at most 31.</summary>
    static abstract bool Signed { get; }

    static abstract Correction Correction { get; }

    static int IGroupQuants.QuadsAScale => 8;

    static int IGroupQuants.GroupOffset => 0;

    static bool IGroupQuants.IntegerScales => false;

    /// <summary>What was added to the quants to keep them positive; 0 unless the correction is an offset.</summary>
    static abstract int Offset { get; }

    /// <summary>Reads one block into position <paramref name="index"/>, one weight at a time: the oracle of the vectors.</summary>
    static abstract void Unpack(TSelf* block, int index, Tile32* tile);

    /// <summary>Reads eight consecutive blocks by vectors.</summary>
    static abstract void UnpackVector(TSelf* blocks, Tile32* tile);

    /// <summary>Sixteen rows' block, laid out by <see cref="GroupLayout"/>, into position <paramref name="index"/>. For AVX2.</summary>
    static abstract void UnpackGroup(byte* group, int index, GroupTile* tile);

    /// <summary>Whether one token alone is multiplied by <see cref="MultiplyOne"/>, without the tile's quants.</summary>
    static virtual bool MultipliesOne => false;

    /// <summary>As <see cref="IBlock256{TSelf}.MultiplyOne"/>, for one block of 32, whose scales go into position
    /// <paramref name="index"/> of the tile.</summary>
    /// <param name="token">The block's 32 activations.</param>
    /// <param name="products">[16]</param>
    static virtual void MultiplyOne<TDot>(byte* group, int index, GroupTile* tile, sbyte* token, int* products, byte* ahead)
        where TDot : struct, IGroupDot =>
        throw new NotSupportedException("One token goes by way of the tile.");
}
