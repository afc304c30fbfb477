using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SmolCluster.Engine.Quantization;

/// <summary>256 columns of eight tokens side by side: every 32-bit word of a <see cref="ActivationFormat.Q8K"/> row is followed by the
/// same word of the next token, as <see cref="GroupLayout"/> has it for weights. A product of a group then reads one stream, by one
/// pointer, for eight tokens.</summary>
[StructLayout(LayoutKind.Sequential, Size = 47 * 64)]
internal unsafe struct Octet256
{
    /// <summary>[64 quads of columns][8 tokens][4]</summary>
    public fixed sbyte Quants[64 * 32];

    /// <summary>[16][8 tokens][2]</summary>
    public fixed short QuadSums[16 * 16];

    /// <summary>[8 pairs of 16 columns][8 tokens][2]</summary>
    public fixed short Sums[8 * 16];

    /// <summary>[4 pairs of 32 columns][8 tokens][2]</summary>
    public fixed short WideSums[4 * 16];

    /// <summary>[8 tokens]</summary>
    public fixed float Scale[8];

    /// <summary>Lays some tokens side by side; what else the octet holds keeps its place and is not to be read.</summary>
    /// <param name="row">The first token's, the others <paramref name="rowBytes"/> apart.</param>
    /// <param name="tokens">1 to 8.</param>
    /// <param name="to">The first 256 columns; the next are <paramref name="apart"/> bytes on.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Lay(byte* row, nint rowBytes, int columns, int tokens, byte* to, nint apart)
    {
        byte* quadSums = row + Activations.Q8KQuadSumOffset(columns), sums = row + Activations.Q8KSumOffset(columns);
        byte* wideSums = row + Activations.Q8KWideSumOffset(columns), scale = row + Activations.Q8KScaleOffset(columns);
        for (int at = 0; at < columns; at += 256, row += 256, quadSums += 64, sums += 32, wideSums += 16, scale += 4, to += apart)
        {
            var octet = (Octet256*)to;
            Octets.Words(row, rowBytes, 64, tokens, (int*)octet->Quants);
            Octets.Words(quadSums, rowBytes, 16, tokens, (int*)octet->QuadSums);
            Octets.Words(sums, rowBytes, 8, tokens, (int*)octet->Sums);
            Octets.Words(wideSums, rowBytes, 4, tokens, (int*)octet->WideSums);
            Octets.Words(scale, rowBytes, 1, tokens, (int*)octet->Scale);
        }
    }
}
