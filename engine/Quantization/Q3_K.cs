using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>256 weights d * (scale - 32) * (q - 4), q of 3 bits: two as in <see cref="Q2_K"/>; the third of weight 32 * s + l is
/// bit s of HighBits[l]. Scale s of 16, of 6 bits: four are the low half (s below 8) or the high half of Scales[s % 8], two are
/// bit pair s / 4 of Scales[8 + s % 4].</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q3_K : IBlock256<Q3_K>
{
    public fixed byte HighBits[32];
    public fixed byte Quants[64];
    public fixed byte Scales[12];
    public ushort Scale;

    public static GroupLayout Layout => new(0, 27, 1);

    public static bool Signed => false;

    public static Correction Correction => Correction.Offset;

    public static int QuadsInHeadroom => 4;

    public static int QuadsAScale => 4;

    public static int GroupOffset => 4;

    public static void Unpack(Q3_K* block, Tile256* tile)
    {
        tile->Scale = HalfBits.ToSingle(block->Scale);
        for (var s = 0; s < 16; s++)
        {
            var low = (block->Scales[s % 8] >> (s / 8 * 4)) & 15;
            var high = (block->Scales[8 + (s % 4)] >> (s / 4 * 2)) & 3;
            var scale = (low | (high << 4)) - 32;
            Tile256.SetScale(tile, s, scale);
            tile->Minimums[s] = (short)(4 * scale);
        }

        for (var i = 0; i < 256; i++)
        {
            var low = (block->Quants[(i / 128 * 32) + (i % 32)] >> (i % 128 / 32 * 2)) & 3;
            var high = (block->HighBits[i % 32] >> (i / 32)) & 1;
            tile->Quants[i] = (byte)(low | (high << 2));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void UnpackVector(Q3_K* block, Tile256* tile)
    {
        tile->Scale = HalfBits.ToSingle(block->Scale);
        var scales = UnpackScales(block->Scales);
        Tile256.SpreadScales(tile, scales);
        var (low, high) = Vector128.Widen(scales);
        (Vector256.Create(low, high) << 2).Store(tile->Minimums);
        var thirds = Vector256.Load(block->HighBits);
        var first = Vector256.Load(block->Quants);
        var second = Vector256.Load(block->Quants + 32);
        ((first & Vector256.Create((byte)3)) | Nibbles.Left(thirds, 2, 4)).Store(tile->Quants);
        (Nibbles.Right(first, 2, 3) | Nibbles.Left(thirds, 1, 4)).Store(tile->Quants + 32);
        (Nibbles.Right(first, 4, 3) | (thirds & Vector256.Create((byte)4))).Store(tile->Quants + 64);
        (Nibbles.Right(first, 6, 3) | Nibbles.Right(thirds, 1, 4)).Store(tile->Quants + 96);
        ((second & Vector256.Create((byte)3)) | Nibbles.Right(thirds, 2, 4)).Store(tile->Quants + 128);
        (Nibbles.Right(second, 2, 3) | Nibbles.Right(thirds, 3, 4)).Store(tile->Quants + 160);
        (Nibbles.Right(second, 4, 3) | Nibbles.Right(thirds, 4, 4)).Store(tile->Quants + 192);
        (Nibbles.Right(second, 6, 3) | Nibbles.Right(thirds, 5, 4)).Store(tile->Quants + 224);
    }

    private static Vector128<sbyte> UnpackScales(byte* packed)
    {
        uint a = ((uint*)packed)[0], b = ((uint*)packed)[1], c = ((uint*)packed)[2];
        var joined = Vector128.Create(
            (a & 0x0F0F0F0F) | ((c << 4) & 0x30303030),
            (b & 0x0F0F0F0F) | ((c << 2) & 0x30303030),
            ((a >> 4) & 0x0F0F0F0F) | (c & 0x30303030),
            ((b >> 4) & 0x0F0F0F0F) | ((c >> 2) & 0x30303030));
        return joined.AsSByte() - Vector128.Create((sbyte)32);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void UnpackGroup(byte* group, GroupTile* tile)
    {
        GroupTile.Halves(group + 1728, tile->Scale);
        uint* scales = stackalloc uint[4 * GroupLayout.Rows];
        UnpackGroupScales((uint*)(group + 1536), scales);
        GroupScales.Signed((byte*)scales, tile);
        for (int at = 0; at < 512; at += 32)
        {
            Vector256<byte> thirds = Vector256.Load(group + at);
            Vector256<byte> first = Vector256.Load(group + 512 + at), second = Vector256.Load(group + 1024 + at);
            byte* quants = tile->Quants + at;
            ((first & Vector256.Create((byte)3)) | Nibbles.Left(thirds, 2, 4)).Store(quants);
            (Nibbles.Right(first, 2, 3) | Nibbles.Left(thirds, 1, 4)).Store(quants + 512);
            (Nibbles.Right(first, 4, 3) | (thirds & Vector256.Create((byte)4))).Store(quants + 1024);
            (Nibbles.Right(first, 6, 3) | Nibbles.Right(thirds, 1, 4)).Store(quants + 1536);
            ((second & Vector256.Create((byte)3)) | Nibbles.Right(thirds, 2, 4)).Store(quants + 2048);
            (Nibbles.Right(second, 2, 3) | Nibbles.Right(thirds, 3, 4)).Store(quants + 2560);
            (Nibbles.Right(second, 4, 3) | Nibbles.Right(thirds, 4, 4)).Store(quants + 3072);
            (Nibbles.Right(second, 6, 3) | Nibbles.Right(thirds, 5, 4)).Store(quants + 3584);
        }
    }

    // three packed words a row to four words of signed bytes
    private static void UnpackGroupScales(uint* packed, uint* scales)
    {
        for (int row = 0; row < GroupLayout.Rows; row += 8)
        {
            Vector256<uint> a = Vector256.Load(packed + row), b = Vector256.Load(packed + 16 + row), c = Vector256.Load(packed + 32 + row);
            Vector256<uint> low = Vector256.Create(0x0F0F0F0Fu), high = Vector256.Create(0x30303030u);
            Vector256<byte> offset = Vector256.Create((byte)32);
            (((a & low) | ((c << 4) & high)).AsByte() - offset).AsUInt32().Store(scales + row);
            (((b & low) | ((c << 2) & high)).AsByte() - offset).AsUInt32().Store(scales + 16 + row);
            ((((a >>> 4) & low) | (c & high)).AsByte() - offset).AsUInt32().Store(scales + 32 + row);
            ((((b >>> 4) & low) | ((c >>> 2) & high)).AsByte() - offset).AsUInt32().Store(scales + 48 + row);
        }
    }
}
