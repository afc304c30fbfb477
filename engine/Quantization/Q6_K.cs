using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>256 weights d * scale * (q - 32), a signed scale for each 16, q of 6 bits. Of each 128 weights, byte l of 64 holds four
/// bits of weight l below and of weight 64 + l above; bit pair s of byte l of 32 holds the upper two bits of weight 32 * s + l.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q6_K : IBlock256<Q6_K>
{
    public fixed byte LowBits[128];
    public fixed byte HighBits[64];
    public fixed sbyte Scales[16];
    public ushort Scale;

    public static GroupLayout Layout => new(0, 52, 1);

    public static bool Signed => false;

    public static Correction Correction => Correction.Offset;

    public static int QuadsInHeadroom => 4;

    public static int QuadsAScale => 4;

    public static int GroupOffset => 32;

    public static void Unpack(Q6_K* block, Tile256* tile)
    {
        tile->Scale = HalfBits.ToSingle(block->Scale);
        for (var s = 0; s < 16; s++)
        {
            Tile256.SetScale(tile, s, block->Scales[s]);
            tile->Minimums[s] = (short)(32 * block->Scales[s]);
        }

        for (var i = 0; i < 256; i++)
        {
            var low = (block->LowBits[(i / 128 * 64) + (i % 64)] >> (i % 128 / 64 * 4)) & 15;
            var high = (block->HighBits[(i / 128 * 32) + (i % 32)] >> (i % 128 / 32 * 2)) & 3;
            tile->Quants[i] = (byte)(low | (high << 4));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void UnpackVector(Q6_K* block, Tile256* tile)
    {
        tile->Scale = HalfBits.ToSingle(block->Scale);
        var scales = Vector128.Load(block->Scales);
        Tile256.SpreadScales(tile, scales);
        var (low, high) = Vector128.Widen(scales);
        (Vector256.Create(low, high) << 5).Store(tile->Minimums);
        for (var half = 0; half < 2; half++)
        {
            var a = Vector256.Load(block->LowBits + (64 * half));
            var b = Vector256.Load(block->LowBits + (64 * half) + 32);
            var upper = Vector256.Load(block->HighBits + (32 * half));
            var quants = tile->Quants + (128 * half);
            ((a & Vector256.Create((byte)15)) | Nibbles.Left(upper, 4, 0x30)).Store(quants);
            ((b & Vector256.Create((byte)15)) | Nibbles.Left(upper, 2, 0x30)).Store(quants + 32);
            (Nibbles.Right(a, 4, 15) | (upper & Vector256.Create((byte)0x30))).Store(quants + 64);
            (Nibbles.Right(b, 4, 15) | Nibbles.Right(upper, 2, 0x30)).Store(quants + 96);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void UnpackGroup(byte* group, GroupTile* tile)
    {
        GroupTile.Halves(group + 3328, tile->Scale);
        GroupScales.Signed(group + 3072, tile);
        for (int half = 0; half < 2; half++)
        {
            byte* low = group + (1024 * half), high = group + 2048 + (512 * half), quants = tile->Quants + (2048 * half);
            for (int at = 0; at < 512; at += 32)
            {
                Vector256<byte> a = Vector256.Load(low + at), b = Vector256.Load(low + 512 + at), upper = Vector256.Load(high + at);
                ((a & Vector256.Create((byte)15)) | Nibbles.Left(upper, 4, 0x30)).Store(quants + at);
                ((b & Vector256.Create((byte)15)) | Nibbles.Left(upper, 2, 0x30)).Store(quants + 512 + at);
                (Nibbles.Right(a, 4, 15) | (upper & Vector256.Create((byte)0x30))).Store(quants + 1024 + at);
                (Nibbles.Right(b, 4, 15) | Nibbles.Right(upper, 2, 0x30)).Store(quants + 1536 + at);
            }
        }
    }
}
