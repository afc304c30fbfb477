using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>32 weights d * (q - 16), q of 5 bits: four as in <see cref="Q4_0"/>, weight i's fifth is bit i of HighBits.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q5_0 : IBlock32<Q5_0>
{
    public ushort Scale;
    public uint HighBits;
    public fixed byte Quants[16];

    public static GroupLayout Layout => new(1, 5, 0);

    public static bool Signed => false;

    public static Correction Correction => Correction.Offset;

    public static int Offset => 16;

    public static int QuadsInHeadroom => 4;

    public static int Gap => 0;

    public static void Unpack(Q5_0* block, int index, Tile32* tile)
    {
        tile->Scales[index] = HalfBits.ToSingle(block->Scale);
        Nibbles.Split16(block->Quants, tile->Quants + (32 * index));
        Nibbles.AddFifthBits(block->HighBits, tile->Quants + (32 * index));
    }

    public static void UnpackVector(Q5_0* blocks, Tile32* tile)
    {
        Scales8.Load((byte*)&blocks->Scale, sizeof(Q5_0)).Store(tile->Scales);
        for (var i = 0; i < Tile32.Blocks; i++)
        {
            var low = Nibbles.Split16(Vector128.Load(blocks[i].Quants));
            (low | Nibbles.FifthBits(blocks[i].HighBits)).Store(tile->Quants + (32 * i));
        }
    }

    public static void UnpackGroup(byte* group, int index, GroupTile* tile)
    {
        GroupTile.Halves(group, tile->Scale + (16 * index));
        Nibbles.UnpackGroup(group + 96, tile->Quants + (512 * index), levels: false);
        Nibbles.AddGroupFifthBits((uint*)(group + 32), tile->Quants + (512 * index));
    }
}
