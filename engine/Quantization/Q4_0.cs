using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>32 weights d * (q - 8), q of 4 bits: byte i holds weight i below and weight i + 16 above.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q4_0 : IBlock32<Q4_0>
{
    public ushort Scale;
    public fixed byte Quants[16];

    public static GroupLayout Layout => new(1, 4, 0);

    public static bool Signed => false;

    public static Correction Correction => Correction.Offset;

    public static int Offset => 8;

    public static int QuadsInHeadroom => 8;

    public static int Gap => 0;

    public static void Unpack(Q4_0* block, int index, Tile32* tile)
    {
        tile->Scales[index] = HalfBits.ToSingle(block->Scale);
        Nibbles.Split16(block->Quants, tile->Quants + (32 * index));
    }

    public static void UnpackVector(Q4_0* blocks, Tile32* tile)
    {
        Scales8.Load((byte*)&blocks->Scale, sizeof(Q4_0)).Store(tile->Scales);
        for (var i = 0; i < Tile32.Blocks; i++)
            Nibbles.Split16(Vector128.Load(blocks[i].Quants)).Store(tile->Quants + (32 * i));
    }

    public static void UnpackGroup(byte* group, int index, GroupTile* tile)
    {
        GroupTile.Halves(group, tile->Scale + (16 * index));
        Nibbles.UnpackGroup(group + 32, tile->Quants + (512 * index), levels: false);
    }
}
