namespace SmolCluster.Engine.Quantization;

/// <summary>One instruction set's way to multiply tiles with activations. All give the same bits: integer sums are exact, and
/// every float operation and its order are fixed by the members' descriptions.</summary>
internal unsafe interface ITileDot
{
    /// <summary>Whether tiles are unpacked by vectors too.</summary>
    static abstract bool Vectors { get; }

    /// <summary>One block of 256, for each token: accumulator = fma(integer sum, Scale * scale, accumulator), then, for a format
    /// with minimums, fma(integer minimum sum, -(MinimumScale * scale), accumulator).</summary>
    /// <param name="block">The block's activations of each token.</param>
    /// <param name="accumulators">float[block.Tokens].</param>
    static abstract void Add<T>(Tile256* tile, in Q8KBlocks block, float* accumulators)
        where T : unmanaged, IBlock256<T>;

    /// <summary>The first <paramref name="count"/> of eight blocks of 32, in order; each as above, the minimum's product added.</summary>
    /// <param name="quants">sbyte[256].</param>
    /// <param name="scales">float[8].</param>
    /// <param name="sums">int[8], of each 32 quants.</param>
    static abstract float Add<T>(Tile32* tile, sbyte* quants, float* scales, int* sums, int count, float accumulator)
        where T : unmanaged, IBlock32<T>;

    /// <summary>lanes[i % 16] = fma(weights[i], activations[i], lanes[i % 16]) for i from 0 up.</summary>
    /// <param name="lanes">float[16].</param>
    static abstract void Add(float* weights, float* activations, int count, float* lanes);
}
