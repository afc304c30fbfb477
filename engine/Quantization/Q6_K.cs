using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

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
            for (int at = 0; Avx512BW.IsSupported && at < 512; at += 64)
            {
                Vector512<byte> a = Vector512.Load(low + at), b = Vector512.Load(low + 512 + at), upper = Vector512.Load(high + at);
                ((a & Vector512.Create((byte)15)) | Nibbles.Left(upper, 4, 0x30)).Store(quants + at);
                ((b & Vector512.Create((byte)15)) | Nibbles.Left(upper, 2, 0x30)).Store(quants + 512 + at);
                (Nibbles.Right(a, 4, 15) | (upper & Vector512.Create((byte)0x30))).Store(quants + 1024 + at);
                (Nibbles.Right(b, 4, 15) | Nibbles.Right(upper, 2, 0x30)).Store(quants + 1536 + at);
            }

            for (int at = 0; !Avx512BW.IsSupported && at < 512; at += 32)
            {
                Vector256<byte> a = Vector256.Load(low + at), b = Vector256.Load(low + 512 + at), upper = Vector256.Load(high + at);
                ((a & Vector256.Create((byte)15)) | Nibbles.Left(upper, 4, 0x30)).Store(quants + at);
                ((b & Vector256.Create((byte)15)) | Nibbles.Left(upper, 2, 0x30)).Store(quants + 512 + at);
                (Nibbles.Right(a, 4, 15) | (upper & Vector256.Create((byte)0x30))).Store(quants + 1024 + at);
                (Nibbles.Right(b, 4, 15) | Nibbles.Right(upper, 2, 0x30)).Store(quants + 1536 + at);
            }
        }
    }

    public static bool MultipliesOne => true;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyOne<TDot>(byte* group, GroupTile* tile, sbyte* token, sbyte* quadSums, int* products, byte* ahead)
        where TDot : struct, IGroupDot
    {
        GroupScales.Signed(group + 3072, tile);
        GroupTile.Halves(group + 3328, tile->Scale);
        byte* low = group, high = group + 2048;
        short* scales = tile->Scales;
        if (TDot.Wide)
        {
            Vector512<int> sum = default;
            for (; high < group + 3072; low += 1024, high += 512, token += 128, quadSums += 32, scales += 256)
            {
                for (int sub = 0; sub < 2; sub++, ahead += 840)
                {
                    sum += WideSubBlocks(low + 256 * sub, high + 256 * sub, token + 16 * sub, quadSums + 4 * sub, scales + 32 * sub, ahead);
                }
            }

            sum.Store(products);
            return;
        }

        Vector256<int> first = default, last = default; // rows 0-7 and 8-15
        for (; high < group + 3072; low += 1024, high += 512, token += 128, quadSums += 32, scales += 256)
        {
            for (int sub = 0; sub < 2; sub++, ahead += 840)
            {
                first += FourSubBlocks(low + 256 * sub, high + 256 * sub, token + 16 * sub, quadSums + 4 * sub, scales + 32 * sub, ahead);
                last += FourSubBlocks(low + 256 * sub + 32, high + 256 * sub + 32, token + 16 * sub, quadSums + 4 * sub, scales + 32 * sub + 16, ahead + 420);
            }
        }

        first.Store(products);
        last.Store(products + 8);
    }

    // eight rows: of each 32 columns of a half, sixteen that share a scale
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> FourSubBlocks(byte* low, byte* high, sbyte* token, sbyte* quadSums, short* scales, byte* ahead)
    {
        Vector256<short> s0 = Begin(quadSums), s1 = Begin(quadSums + 8), s2 = Begin(quadSums + 16), s3 = Begin(quadSums + 24);
        for (byte* end = low + 256; low < end; low += 64, high += 64, token += 4, ahead += 105)
        {
            Sse.Prefetch0(ahead);
            Sse.Prefetch0(ahead + 64);
            Vector256<byte> a = Vector256.Load(low), b = Vector256.Load(low + 512), upper = Vector256.Load(high);
            s0 += Avx2.MultiplyAddAdjacent((a & Vector256.Create((byte)15)) | Nibbles.Left(upper, 4, 0x30), Four(token));
            s1 += Avx2.MultiplyAddAdjacent((b & Vector256.Create((byte)15)) | Nibbles.Left(upper, 2, 0x30), Four(token + 32));
            s2 += Avx2.MultiplyAddAdjacent(Nibbles.Right(a, 4, 15) | (upper & Vector256.Create((byte)0x30)), Four(token + 64));
            s3 += Avx2.MultiplyAddAdjacent(Nibbles.Right(b, 4, 15) | Nibbles.Right(upper, 2, 0x30), Four(token + 96));
        }

        return Avx2.MultiplyAddAdjacent(s0, Vector256.Load(scales)) + Avx2.MultiplyAddAdjacent(s1, Vector256.Load(scales + 64))
            + (Avx2.MultiplyAddAdjacent(s2, Vector256.Load(scales + 128)) + Avx2.MultiplyAddAdjacent(s3, Vector256.Load(scales + 192)));
    }

    // sixteen rows
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> WideSubBlocks(byte* low, byte* high, sbyte* token, sbyte* quadSums, short* scales, byte* ahead)
    {
        Vector512<short> s0 = WideBegin(quadSums), s1 = WideBegin(quadSums + 8), s2 = WideBegin(quadSums + 16), s3 = WideBegin(quadSums + 24);
        for (byte* end = low + 256; low < end; low += 64, high += 64, token += 4, ahead += 210)
        {
            GroupLayout.Prefetch(ahead, 256);
            Vector512<byte> a = Vector512.Load(low), b = Vector512.Load(low + 512), upper = Vector512.Load(high);
            s0 += WideMath.MultiplyAddAdjacent((a & Vector512.Create((byte)15)) | Nibbles.Left(upper, 4, 0x30), WideFour(token));
            s1 += WideMath.MultiplyAddAdjacent((b & Vector512.Create((byte)15)) | Nibbles.Left(upper, 2, 0x30), WideFour(token + 32));
            s2 += WideMath.MultiplyAddAdjacent(Nibbles.Right(a, 4, 15) | (upper & Vector512.Create((byte)0x30)), WideFour(token + 64));
            s3 += WideMath.MultiplyAddAdjacent(Nibbles.Right(b, 4, 15) | Nibbles.Right(upper, 2, 0x30), WideFour(token + 96));
        }

        return WideMath.MultiplyAddAdjacent(s0, Vector512.Load(scales)) + WideMath.MultiplyAddAdjacent(s1, Vector512.Load(scales + 64))
            + (WideMath.MultiplyAddAdjacent(s2, Vector512.Load(scales + 128)) + WideMath.MultiplyAddAdjacent(s3, Vector512.Load(scales + 192)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> WideBegin(sbyte* quadSums) => Vector512.Create(*(int*)quadSums).AsInt16() * (short)-32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<sbyte> WideFour(sbyte* token) => Vector512.Create(*(int*)token).AsSByte();

    // sums of 16 bits begin at what the quants' offset will have added too much
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Begin(sbyte* quadSums) => Vector256.Create(*(int*)quadSums).AsInt16() * (short)-32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<sbyte> Four(sbyte* token) => Vector256.Create(*(int*)token).AsSByte();
}
