using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>Scales of sixteen rows that stand as bytes, one for each 16 columns: [4 words][16 rows], four scales a word.</summary>
internal static unsafe class GroupScales
{
    /// <summary>Signed scales.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Signed(byte* scales, GroupTile* tile)
    {
        for (int word = 0; Avx512BW.IsSupported && word < 4; word++)
        {
            Vector512<uint> four = Vector512.Load((uint*)scales + (16 * word));
            short* to = tile->Scales + (128 * word);
            (GroupTile.UpperTwice(four, 0) >> 8).Store(to);
            (GroupTile.UpperTwice(four, 1) >> 8).Store(to + 32);
            (GroupTile.UpperTwice(four, 2) >> 8).Store(to + 64);
            (GroupTile.UpperTwice(four, 3) >> 8).Store(to + 96);
        }

        for (int word = 0; !Avx512BW.IsSupported && word < 4; word++)
        {
            for (int row = 0; row < GroupLayout.Rows; row += 8)
            {
                Vector256<uint> four = Vector256.Load((uint*)scales + (16 * word) + row);
                short* to = tile->Scales + (128 * word) + (2 * row);
                (GroupTile.UpperTwice(four, 0) >> 8).Store(to);
                (GroupTile.UpperTwice(four, 1) >> 8).Store(to + 32);
                (GroupTile.UpperTwice(four, 2) >> 8).Store(to + 64);
                (GroupTile.UpperTwice(four, 3) >> 8).Store(to + 96);
            }
        }
    }

    /// <summary>A scale in each byte's lower half and a minimum in its upper.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Halves(byte* scales, GroupTile* tile)
    {
        for (int word = 0; Avx512BW.IsSupported && word < 4; word++)
        {
            Vector512<uint> four = Vector512.Load((uint*)scales + (16 * word)), mask = Vector512.Create(0x0F0F0F0Fu);
            GroupTile.StoreScales(four & mask, tile->Scales + (128 * word));
            GroupTile.StoreMinimums((four >>> 4) & mask, tile->Minimums + (64 * word));
        }

        Vector256<uint> lower = Vector256.Create(0x0F0F0F0Fu);
        for (int word = 0; !Avx512BW.IsSupported && word < 4; word++)
        {
            for (int row = 0; row < GroupLayout.Rows; row += 8)
            {
                Vector256<uint> four = Vector256.Load((uint*)scales + (16 * word) + row);
                GroupTile.StoreScales(four & lower, tile->Scales + (128 * word) + (2 * row));
                GroupTile.StoreMinimums((four >>> 4) & lower, tile->Minimums + (64 * word) + (2 * row));
            }
        }
    }
}
