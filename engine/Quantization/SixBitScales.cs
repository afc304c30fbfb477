using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>Twelve bytes with eight scales and eight minimums of 6 bits, one for each 32 weights, as Q4_K and Q5_K have them:
/// bytes 0-3 hold scales 0-3 and bytes 4-7 minimums 0-3 in their low six bits; bytes 8-11 hold the low four bits of scales 4-7
/// and, above, of minimums 4-7, whose high two bits are the high bits of bytes 0-3 and 4-7.</summary>
internal static unsafe class SixBitScales
{
    public static void Unpack(byte* packed, Tile256* tile)
    {
        for (var i = 0; i < 8; i++)
        {
            var scale = i < 4 ? packed[i] & 63 : (packed[i + 4] & 15) | (packed[i - 4] >> 6 << 4);
            var minimum = i < 4 ? packed[i + 4] & 63 : (packed[i + 4] >> 4) | (packed[i] >> 6 << 4);
            Tile256.SetScale(tile, 2 * i, scale);
            Tile256.SetScale(tile, (2 * i) + 1, scale);
            tile->Minimums[2 * i] = tile->Minimums[(2 * i) + 1] = (short)minimum;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void UnpackVector(byte* packed, Tile256* tile)
    {
        uint a = ((uint*)packed)[0], b = ((uint*)packed)[1], c = ((uint*)packed)[2];
        var upperScales = (c & 0x0F0F0F0F) | ((a >> 2) & 0x30303030);
        var upperMinimums = ((c >> 4) & 0x0F0F0F0F) | ((b >> 2) & 0x30303030);
        var scales = Vector128.CreateScalar((a & 0x3F3F3F3F) | ((ulong)upperScales << 32)).AsByte();
        var minimums = Vector128.CreateScalar((b & 0x3F3F3F3F) | ((ulong)upperMinimums << 32)).AsByte();
        var twice = Vector128.Create((byte)0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
        Tile256.SpreadScales(tile, Vector128.Shuffle(scales, twice).AsSByte());
        var (low, high) = Vector128.Widen(Vector128.Shuffle(minimums, twice));
        Vector256.Create(low, high).AsInt16().Store(tile->Minimums);
    }
}
