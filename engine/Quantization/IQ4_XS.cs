using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>256 weights d * (scale - 32) * level[q]: eight times 32 weights packed as in <see cref="IQ4_NL"/>, each with a scale of
/// 6 bits, four of them in a half of ScalesLow[s / 2], two in bit pair s of ScalesHigh.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct IQ4_XS : IBlock256<IQ4_XS>
{
    public ushort Scale;
    public ushort ScalesHigh;
    public fixed byte ScalesLow[4];
    public fixed byte Quants[128];

    public static GroupLayout Layout => new(2, 33, 0);

    public static bool Signed => true;

    public static Correction Correction => Correction.None;

    public static int QuadsInHeadroom => 1;

    public static int QuadsAScale => 8;

    public static int GroupOffset => 0;

    public static void Unpack(IQ4_XS* block, Tile256* tile)
    {
        UnpackScales(block, tile);
        for (var s = 0; s < 8; s++)
        {
            Nibbles.Split16(block->Quants + (16 * s), tile->Quants + (32 * s));
            Nibbles.ToLevels(tile->Quants + (32 * s));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void UnpackVector(IQ4_XS* block, Tile256* tile)
    {
        UnpackScales(block, tile);
        for (var s = 0; s < 8; s++)
            Nibbles.ToLevels(Nibbles.Split16(Vector128.Load(block->Quants + (16 * s)))).Store(tile->Quants + (32 * s));
    }

    private static void UnpackScales(IQ4_XS* block, Tile256* tile)
    {
        tile->Scale = HalfBits.ToSingle(block->Scale);
        for (var s = 0; s < 8; s++)
        {
            var low = (block->ScalesLow[s / 2] >> (s % 2 * 4)) & 15;
            var high = (block->ScalesHigh >> (2 * s)) & 3;
            var scale = Vector128.Create((short)((low | (high << 4)) - 32));
            scale.Store(tile->Scales + (16 * s));
            scale.Store(tile->Scales + (16 * s) + 8);
        }

        new Span<short>(tile->Minimums, 16).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void UnpackGroup(byte* group, GroupTile* tile)
    {
        GroupTile.Halves(group, tile->Scale);
        for (int row = 0; row < GroupLayout.Rows; row += 8)
        {
            Vector256<uint> low = Vector256.Load((uint*)(group + 64) + row);
            Vector128<ushort> halves = Vector128.Load((ushort*)(group + 32) + row);
            Vector256<uint> high = Vector256.Create(Vector128.WidenLower(halves), Vector128.WidenUpper(halves));
            for (int s = 0; s < 8; s++, low >>>= 4, high >>>= 2)
            {
                Vector256<uint> scale = ((low & Vector256.Create(15u)) | ((high & Vector256.Create(3u)) << 4)) - Vector256.Create(32u);
                ((scale & Vector256.Create(0xFFFFu)) | (scale << 16)).Store((uint*)tile->Scales + (16 * s) + row);
            }
        }

        for (int s = 0; s < 8; s++)
            Nibbles.UnpackGroup(group + 128 + (256 * s), tile->Quants + (512 * s), levels: true);
    }
}
