using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

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

    /// <summary>The other direction.</summary>
    /// <param name="scales">[8] from 0 to 63.</param>
    /// <param name="minimums">[8] from 0 to 63.</param>
    /// <param name="packed">[12]</param>
    public static void Pack(int* scales, int* minimums, byte* packed)
    {
        for (int i = 0; i < 4; i++)
        {
            packed[i] = (byte)(scales[i] | (scales[i + 4] >> 4 << 6));
            packed[i + 4] = (byte)(minimums[i] | (minimums[i + 4] >> 4 << 6));
            packed[i + 8] = (byte)((scales[i + 4] & 15) | ((minimums[i + 4] & 15) << 4));
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

    /// <summary>Sixteen rows: [3 words][16 rows].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void UnpackGroup(byte* packed, GroupTile* tile)
    {
        if (Avx512BW.IsSupported)
        {
            Vector512<uint> a = Vector512.Load((uint*)packed), b = Vector512.Load((uint*)packed + 16), c = Vector512.Load((uint*)packed + 32);
            Vector512<uint> six = Vector512.Create(0x3F3F3F3Fu), four = Vector512.Create(0x0F0F0F0Fu), two = Vector512.Create(0x30303030u);
            GroupTile.StoreScales(a & six, tile->Scales);
            GroupTile.StoreScales((c & four) | ((a >>> 2) & two), tile->Scales + 128);
            GroupTile.StoreMinimums(b & six, tile->Minimums);
            GroupTile.StoreMinimums(((c >>> 4) & four) | ((b >>> 2) & two), tile->Minimums + 64);
            return;
        }

        for (int row = 0; row < GroupLayout.Rows; row += 8)
        {
            Vector256<uint> a = Vector256.Load((uint*)packed + row), b = Vector256.Load((uint*)packed + 16 + row);
            Vector256<uint> c = Vector256.Load((uint*)packed + 32 + row);
            Vector256<uint> six = Vector256.Create(0x3F3F3F3Fu), four = Vector256.Create(0x0F0F0F0Fu), two = Vector256.Create(0x30303030u);
            short* scales = tile->Scales + (2 * row), minimums = tile->Minimums + (2 * row);
            GroupTile.StoreScales(a & six, scales);
            GroupTile.StoreScales((c & four) | ((a >>> 2) & two), scales + 128);
            GroupTile.StoreMinimums(b & six, minimums);
            GroupTile.StoreMinimums(((c >>> 4) & four) | ((b >>> 2) & two), minimums + 64);
        }
    }
}
