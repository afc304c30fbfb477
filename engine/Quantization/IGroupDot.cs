namespace SmolCluster.Engine.Quantization;

/// <summary>One instruction set's integer products of a <see cref="GroupTile"/>. Exact, hence the same everywhere; what is added in
/// floats is <see cref="GroupRows256{T, TDot}"/>'s and <see cref="GroupRows32{T, TDot}"/>'s.</summary>
internal unsafe interface IGroupDot
{
    /// <summary>Whether the instruction set has such products.</summary>
    static abstract bool Exists { get; }

    /// <summary>Whether sixteen rows are one register.</summary>
    static abstract bool Wide { get; }

    /// <summary>The products of some quads of columns, for an octet of tokens. Integer scales: products[8 tokens][16 rows] is the sum
    /// of scale · (weights · activations). Else products[scale][8 tokens][16 rows] are the sums of each scale's columns.</summary>
    /// <param name="weights">[quads][16 rows][4], and T.Gap bytes after each scale's quads.</param>
    /// <param name="quads">A multiple of T.QuadsAScale.</param>
    /// <param name="scales">[quads / T.QuadsAScale][16 rows][2]; unused unless scales are integers.</param>
    /// <param name="octet">[quads][8 tokens][4]</param>
    /// <param name="tokens">1 to 8; products of those past them may be missing or of no meaning.</param>
    /// <param name="quadSums">[quads / 4][8 tokens]: sums over four quads, of the first two and of the last two of each four columns; used
    /// only where T.GroupOffset is not 0.</param>
    /// <param name="ahead">Bytes that will be wanted next, asked of the memory bit by bit meanwhile; may lie past the matrix.</param>
    /// <param name="aheadStep">How many of them for each scale's quads; 0: none.</param>
    static abstract void Multiply<T>(byte* weights, nint quads, short* scales, sbyte* octet, int tokens, int* quadSums, int* products, byte* ahead, nint aheadStep)
        where T : struct, IGroupQuants;

    /// <summary>The same for one token as it lies in its row: products[16 rows], or [scale][16 rows].</summary>
    /// <param name="token">[quads][4]</param>
    /// <param name="quadSums">[quads / 4]</param>
    static abstract void MultiplyOne<T>(byte* weights, nint quads, short* scales, sbyte* token, int* quadSums, int* products, byte* ahead, nint aheadStep)
        where T : struct, IGroupQuants;
}
