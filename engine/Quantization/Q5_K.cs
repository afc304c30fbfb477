using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>256 weights d * scale * q - dmin * minimum, q of 5 bits: four as in <see cref="Q4_K"/>; the fifth of weight
/// 32 * s + l is bit s of HighBits[l].</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q5_K : IBlock256<Q5_K>
{
    public ushort Scale;
    public ushort MinimumScale;
    public fixed byte Scales[12];
    public fixed byte HighBits[32];
    public fixed byte Quants[128];

    public static GroupLayout Layout => new(2, 43, 0);

    public static bool Signed => false;

    public static Correction Correction => Correction.Minimum;

    public static int QuadsInHeadroom => 4;

    public static int QuadsAScale => 8;

    public static int GroupOffset => 0;

    public static void Unpack(Q5_K* block, Tile256* tile)
    {
        tile->Scale = HalfBits.ToSingle(block->Scale);
        tile->MinimumScale = HalfBits.ToSingle(block->MinimumScale);
        SixBitScales.Unpack(block->Scales, tile);
        for (var i = 0; i < 256; i++)
        {
            var low = (block->Quants[(i / 64 * 32) + (i % 32)] >> (i % 64 / 32 * 4)) & 15;
            var high = (block->HighBits[i % 32] >> (i / 32)) & 1;
            tile->Quants[i] = (byte)(low | (high << 4));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void UnpackVector(Q5_K* block, Tile256* tile)
    {
        tile->Scale = HalfBits.ToSingle(block->Scale);
        tile->MinimumScale = HalfBits.ToSingle(block->MinimumScale);
        SixBitScales.UnpackVector(block->Scales, tile);
        var high = Vector256.Load(block->HighBits);
        Store(block, tile, 0, Nibbles.Left(high, 4, 16), Nibbles.Left(high, 3, 16));
        Store(block, tile, 1, Nibbles.Left(high, 2, 16), Nibbles.Left(high, 1, 16));
        Store(block, tile, 2, high & Vector256.Create((byte)16), Nibbles.Right(high, 1, 16));
        Store(block, tile, 3, Nibbles.Right(high, 2, 16), Nibbles.Right(high, 3, 16));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Q5_K* block, Tile256* tile, int group, Vector256<byte> first, Vector256<byte> second)
    {
        var packed = Vector256.Load(block->Quants + (32 * group));
        ((packed & Vector256.Create((byte)15)) | first).Store(tile->Quants + (64 * group));
        (Nibbles.Right(packed, 4, 15) | second).Store(tile->Quants + (64 * group) + 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void UnpackGroup(byte* group, GroupTile* tile)
    {
        GroupTile.Halves(group, tile->Scale);
        GroupTile.Halves(group + 32, tile->MinimumScale);
        SixBitScales.UnpackGroup(group + 64, tile);
        byte* fifths = group + 256, packed = fifths + 512;
        for (int at = 0; at < 512; at += 32)
        {
            Vector256<byte> high = Vector256.Load(fifths + at);
            Join(packed + at, Nibbles.Left(high, 4, 16), Nibbles.Left(high, 3, 16), tile->Quants + at);
            Join(packed + 512 + at, Nibbles.Left(high, 2, 16), Nibbles.Left(high, 1, 16), tile->Quants + 1024 + at);
            Join(packed + 1024 + at, high & Vector256.Create((byte)16), Nibbles.Right(high, 1, 16), tile->Quants + 2048 + at);
            Join(packed + 1536 + at, Nibbles.Right(high, 2, 16), Nibbles.Right(high, 3, 16), tile->Quants + 3072 + at);
        }
    }

    // the quads of two sub-blocks of 32, whose quads lie 512 bytes apart
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Join(byte* packed, Vector256<byte> first, Vector256<byte> second, byte* quants)
    {
        Vector256<byte> both = Vector256.Load(packed);
        ((both & Vector256.Create((byte)15)) | first).Store(quants);
        (Nibbles.Right(both, 4, 15) | second).Store(quants + 512);
    }
}
