using System.Runtime.InteropServices;

namespace SmolCluster.Engine.Quantization;

/// <summary>Up to eight blocks of 32 weights, unpacked; see <see cref="Tile256"/> for why. Weight i is
/// <c>Scales[i / 32] * (Quants[i] - Offset) + Minimums[i / 32]</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Tile32
{
    public const int Blocks = 8;

    /// <summary>[256] sbyte where the format says Signed, else 0..31.</summary>
    public fixed byte Quants[Blocks * 32];

    /// <summary>[8] one for each block.</summary>
    public fixed float Scales[Blocks];

    /// <summary>[8] unused unless the format has a minimum.</summary>
    public fixed float Minimums[Blocks];
}
