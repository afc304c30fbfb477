using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SmolCluster.Engine.Quantization;

/// <summary>Eight blocks of 32 columns of eight tokens side by side: as <see cref="Octet256"/>, of
/// <see cref="ActivationFormat.Q8"/> rows, which are padded to whole octets.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Octet32
{
    /// <summary>[64 quads of columns][8 tokens][4]</summary>
    public fixed sbyte Quants[64 * 32];

    /// <summary>[8 blocks][8 tokens]</summary>
    public fixed float Scales[8 * 8];

    /// <summary>[8 blocks][8 tokens]</summary>
    public fixed int Sums[8 * 8];

    /// <summary>As <see cref="Octet256.Lay"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Lay(byte* row, nint rowBytes, int columns, int tokens, byte* to, nint apart)
    {
        byte* scales = row + Activations.Q8ScaleOffset(columns), sums = row + Activations.Q8SumOffset(columns);
        for (int at = 0; at < columns; at += 256, row += 256, scales += 32, sums += 32, to += apart)
        {
            var octet = (Octet32*)to;
            Octets.Words(row, rowBytes, 64, tokens, (int*)octet->Quants);
            Octets.Words(scales, rowBytes, 8, tokens, (int*)octet->Scales);
            Octets.Words(sums, rowBytes, 8, tokens, octet->Sums);
        }
    }
}
