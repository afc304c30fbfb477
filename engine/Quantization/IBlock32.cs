namespace SmolCluster.Engine.Quantization;

/// <summary>A format with blocks of 32 weights; the implementing struct is the block's layout in the file.</summary>
internal unsafe interface IBlock32<TSelf>
    where TSelf : unmanaged, IBlock32<TSelf>
{
    /// <summary>Quants use all eight bits with a sign; otherwise they are at most 31.</summary>
    static abstract bool Signed { get; }

    static abstract Correction Correction { get; }

    /// <summary>What was added to the quants to keep them positive; 0 unless the correction is an offset.</summary>
    static abstract int Offset { get; }

    /// <summary>Reads one block into position <paramref name="index"/>, one weight at a time: the oracle of the vectors.</summary>
    static abstract void Unpack(TSelf* block, int index, Tile32* tile);

    /// <summary>Reads eight consecutive blocks by vectors.</summary>
    static abstract void UnpackVector(TSelf* blocks, Tile32* tile);
}
