using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>256 weights d * scale * q - dmin * minimum; each 16 have a byte with the scale below and the minimum above. q of 2 bits:
/// of each 128 weights, bit pair s of byte l of 32 is weight 32 * s + l.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q2_K : IBlock256<Q2_K>
{
    public fixed byte Scales[16];
    public fixed byte Quants[64];
    public ushort Scale;
    public ushort MinimumScale;

    public static GroupLayout Layout => new(0, 20, 2);

    public static bool Signed => false;

    public static Correction Correction => Correction.Minimum;

    public static int QuadsInHeadroom => 4;

    public static int QuadsAScale => 4;

    public static int GroupOffset => 0;

    public static void Unpack(Q2_K* block, Tile256* tile)
    {
        tile->Scale = HalfBits.ToSingle(block->Scale);
        tile->MinimumScale = HalfBits.ToSingle(block->MinimumScale);
        for (var s = 0; s < 16; s++)
        {
            Tile256.SetScale(tile, s, block->Scales[s] & 15);
            tile->Minimums[s] = (short)(block->Scales[s] >> 4);
        }

        for (var i = 0; i < 256; i++)
            tile->Quants[i] = (byte)((block->Quants[(i / 128 * 32) + (i % 32)] >> (i % 128 / 32 * 2)) & 3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void UnpackVector(Q2_K* block, Tile256* tile)
    {
        tile->Scale = HalfBits.ToSingle(block->Scale);
        tile->MinimumScale = HalfBits.ToSingle(block->MinimumScale);
        var both = Vector128.Load(block->Scales);
        Tile256.SpreadScales(tile, (both & Vector128.Create((byte)15)).AsSByte());
        var (low, high) = Vector128.Widen((both.AsUInt16() >>> 4).AsByte() & Vector128.Create((byte)15));
        Vector256.Create(low, high).AsInt16().Store(tile->Minimums);
        for (var half = 0; half < 2; half++)
        {
            var packed = Vector256.Load(block->Quants + (32 * half));
            var quants = tile->Quants + (128 * half);
            (packed & Vector256.Create((byte)3)).Store(quants);
            Nibbles.Right(packed, 2, 3).Store(quants + 32);
            Nibbles.Right(packed, 4, 3).Store(quants + 64);
            Nibbles.Right(packed, 6, 3).Store(quants + 96);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void UnpackGroup(byte* group, GroupTile* tile)
    {
        GroupTile.Halves(group + 1280, tile->Scale);
        GroupTile.Halves(group + 1312, tile->MinimumScale);
        GroupScales.Halves(group, tile);
        for (int half = 0; half < 2; half++)
        {
            byte* packed = group + 256 + (512 * half), quants = tile->Quants + (2048 * half);
            for (int at = 0; at < 512; at += 32)
            {
                Vector256<byte> four = Vector256.Load(packed + at);
                (four & Vector256.Create((byte)3)).Store(quants + at);
                Nibbles.Right(four, 2, 3).Store(quants + 512 + at);
                Nibbles.Right(four, 4, 3).Store(quants + 1024 + at);
                Nibbles.Right(four, 6, 3).Store(quants + 1536 + at);
            }
        }
    }
}
