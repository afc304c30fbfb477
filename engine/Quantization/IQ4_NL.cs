using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>32 weights d * level[q], q of 4 bits as in <see cref="Q4_0"/>, sixteen unevenly spaced levels.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct IQ4_NL : IBlock32<IQ4_NL>
{
    public ushort Scale;
    public fixed byte Quants[16];

    public static GroupLayout Layout => new(1, 4, 0);

    public static bool Signed => true;

    public static Correction Correction => Correction.None;

    public static int Offset => 0;

    public static int QuadsInHeadroom => 1;

    public static int Gap => 0;

    public static void Unpack(IQ4_NL* block, int index, Tile32* tile)
    {
        tile->Scales[index] = HalfBits.ToSingle(block->Scale);
        Nibbles.Split16(block->Quants, tile->Quants + (32 * index));
        Nibbles.ToLevels(tile->Quants + (32 * index));
    }

    public static void UnpackVector(IQ4_NL* blocks, Tile32* tile)
    {
        Scales8.Load((byte*)&blocks->Scale, sizeof(IQ4_NL)).Store(tile->Scales);
        for (var i = 0; i < Tile32.Blocks; i++)
            Nibbles.ToLevels(Nibbles.Split16(Vector128.Load(blocks[i].Quants))).Store(tile->Quants + (32 * i));
    }

    public static void UnpackGroup(byte* group, int index, GroupTile* tile)
    {
        GroupTile.Halves(group, tile->Scale + (16 * index));
        Nibbles.UnpackGroup(group + 32, tile->Quants + (512 * index), levels: true);
    }
}
