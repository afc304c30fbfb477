using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>
/// One block of 256 columns of sixteen rows, side by side: each 64 bytes hold four columns of all rows, so one register holds
/// the same columns of every row and a product needs no horizontal sum. Unpacked once into the cache and used by every token of
/// a batch. Sums are the same integers as a row's own, and each row's floats are folded in the same order: the same bits.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct RowGroup256
{
    public const int Rows = 16;

    /// <summary>[64 quads of columns][16 rows][4]</summary>
    public fixed byte Quants[64 * 64];

    /// <summary>[16 sub-blocks][16 rows][2], each scale twice: the second operand of a multiply-add of adjacent pairs.</summary>
    public fixed short Scales[16 * 32];

    /// <summary>[8 pairs of sub-blocks][16 rows][2], and as much again that a transposition of 16 words writes and nobody reads.</summary>
    public fixed short Minimums[16 * 32];

    /// <summary>[16 rows]</summary>
    public fixed float Scale[16];

    /// <summary>[16 rows]</summary>
    public fixed float MinimumScale[16];

    /// <summary>Unpacks the block at <paramref name="first"/> and those below it, <paramref name="rowBytes"/> apart.</summary>
    /// <param name="tiles">[16 rows] and 64 bytes, scratch.</param>
    [SkipLocalsInit]
    public static void Unpack<T>(byte* first, nint rowBytes, Tile256* tiles, RowGroup256* group)
        where T : unmanaged, IBlock256<T>
    {
        int* scales = stackalloc int[Rows * 16];
        for (int row = 0; row < Rows; row++)
        {
            Tile256* tile = tiles + row;
            T.UnpackVector((T*)(first + row * rowBytes), tile);
            group->Scale[row] = tile->Scale;
            group->MinimumScale[row] = tile->MinimumScale;
            Vector512<int> scale = Avx512F.ConvertToVector512Int32(Vector128.Load(tile->SubScales));
            ((scale << 16) | (scale & Vector512.Create(0xFFFF))).Store(scales + row * 16);
        }

        int step = sizeof(Tile256) / sizeof(int);
        Transpose16.Run(scales, 16, (int*)group->Scales);
        Transpose16.Run((int*)tiles->Minimums, step, (int*)group->Minimums);
        for (int column = 0; column < 64; column += 16)
        {
            Transpose16.Run((int*)tiles->Quants + column, step, (int*)group->Quants + column * Rows);
        }
    }
}
