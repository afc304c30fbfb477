using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>32 weights d * q + m, q of 5 bits as in <see cref="Q5_0"/>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q5_1 : IBlock32<Q5_1>
{
    public ushort Scale;
    public ushort Minimum;
    public uint HighBits;
    public fixed byte Quants[16];

    public static GroupLayout Layout => new(2, 5, 0);

    public static bool Signed => false;

    public static Correction Correction => Correction.Minimum;

    public static int Offset => 0;

    public static int QuadsInHeadroom => 4;

    public static int Gap => 0;

    public static void Unpack(Q5_1* block, int index, Tile32* tile)
    {
        tile->Scales[index] = HalfBits.ToSingle(block->Scale);
        tile->Minimums[index] = HalfBits.ToSingle(block->Minimum);
        Nibbles.Split16(block->Quants, tile->Quants + (32 * index));
        Nibbles.AddFifthBits(block->HighBits, tile->Quants + (32 * index));
    }

    public static void UnpackVector(Q5_1* blocks, Tile32* tile)
    {
        Scales8.Load((byte*)&blocks->Scale, sizeof(Q5_1)).Store(tile->Scales);
        Scales8.Load((byte*)&blocks->Minimum, sizeof(Q5_1)).Store(tile->Minimums);
        for (var i = 0; i < Tile32.Blocks; i++)
        {
            var low = Nibbles.Split16(Vector128.Load(blocks[i].Quants));
            (low | Nibbles.FifthBits(blocks[i].HighBits)).Store(tile->Quants + (32 * i));
        }
    }

    public static void UnpackGroup(byte* group, int index, GroupTile* tile)
    {
        GroupTile.Halves(group, tile->Scale + (16 * index));
        GroupTile.Halves(group + 32, tile->MinimumScale + (16 * index));
        Nibbles.UnpackGroup(group + 128, tile->Quants + (512 * index), levels: false);
        Nibbles.AddGroupFifthBits((uint*)(group + 64), tile->Quants + (512 * index));
    }
}
