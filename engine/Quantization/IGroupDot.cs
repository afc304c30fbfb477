namespace SmolCluster.Engine.Quantization;

/// <summary>One instruction set's integer products of a <see cref="GroupTile"/>. Exact, hence the same everywhere; what is added in
/// floats is <see cref="GroupRows256{T, TDot}"/>'s and <see cref="GroupRows32{T, TDot}"/>'s.</summary>
internal unsafe interface IGroupDot
{
    /// <summary>Tokens at a time; what it computes past the last is not read.</summary>
    static abstract int Tokens { get; }

    /// <summary>The products of some quads of columns, for <see cref="Tokens"/> tokens. Integer scales: products[token][row] is the sum
    /// of scale · (weights · activations). Else products[scale][token][row] are the sums of each scale's columns.</summary>
    /// <param name="weights">[quads][16 rows][4], and T.Gap bytes after each scale's quads.</param>
    /// <param name="quads">A multiple of T.QuadsAScale.</param>
    /// <param name="scales">[quads / T.QuadsAScale][16 rows][2]; unused unless scales are integers.</param>
    /// <param name="tokens">Where each token's sbyte[4 · quads] begin; <see cref="Tokens"/> of them.</param>
    /// <param name="quadSums">Bytes from a token's begin to its quad sums of these columns (<see cref="Activations"/>); used only where
    /// T.GroupOffset is not 0.</param>
    /// <param name="ahead">Bytes that will be wanted next, asked of the memory bit by bit meanwhile; may lie past the matrix.</param>
    /// <param name="aheadBytes">0: none.</param>
    static abstract void Multiply<T>(byte* weights, nint quads, short* scales, sbyte** tokens, nint quadSums, int* products, byte* ahead, nint aheadBytes)
        where T : struct, IGroupQuants;

    /// <summary>The same for one token.</summary>
    static abstract void MultiplyOne<T>(byte* weights, nint quads, short* scales, sbyte* token, nint quadSums, int* products, byte* ahead, nint aheadBytes)
        where T : struct, IGroupQuants;
}
