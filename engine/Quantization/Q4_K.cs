using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>256 weights d * scale * q - dmin * minimum, q of 4 bits: of each 64 weights, 32 bytes hold the first 32 below and the
/// other 32 above.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q4_K : IBlock256<Q4_K>
{
    public ushort Scale;
    public ushort MinimumScale;
    public fixed byte Scales[12];
    public fixed byte Quants[128];

    public static GroupLayout Layout => new(2, 35, 0);

    public static bool Signed => false;

    public static Correction Correction => Correction.Minimum;

    public static int QuadsInHeadroom => 8;

    public static int QuadsAScale => 8;

    public static int GroupOffset => 0;

    public static void Unpack(Q4_K* block, Tile256* tile)
    {
        tile->Scale = HalfBits.ToSingle(block->Scale);
        tile->MinimumScale = HalfBits.ToSingle(block->MinimumScale);
        SixBitScales.Unpack(block->Scales, tile);
        for (var i = 0; i < 256; i++)
            tile->Quants[i] = (byte)((block->Quants[(i / 64 * 32) + (i % 32)] >> (i % 64 / 32 * 4)) & 15);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void UnpackVector(Q4_K* block, Tile256* tile)
    {
        tile->Scale = HalfBits.ToSingle(block->Scale);
        tile->MinimumScale = HalfBits.ToSingle(block->MinimumScale);
        SixBitScales.UnpackVector(block->Scales, tile);
        for (var g = 0; g < 4; g++)
        {
            var packed = Vector256.Load(block->Quants + (32 * g));
            (packed & Vector256.Create((byte)15)).Store(tile->Quants + (64 * g));
            Nibbles.Right(packed, 4, 15).Store(tile->Quants + (64 * g) + 32);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void UnpackGroup(byte* group, GroupTile* tile)
    {
        GroupTile.Halves(group, tile->Scale);
        GroupTile.Halves(group + 32, tile->MinimumScale);
        SixBitScales.UnpackGroup(group + 64, tile);
        byte* packed = group + 256;
        for (byte* to = tile->Quants; packed < group + 2304; to += 512)
        {
            for (byte* end = packed + 512; Avx512BW.IsSupported && packed < end; packed += 64, to += 64)
            {
                Vector512<byte> both = Vector512.Load(packed);
                (both & Vector512.Create((byte)15)).Store(to);
                Nibbles.Right(both, 4, 15).Store(to + 512);
            }

            for (byte* end = packed + 512; !Avx512BW.IsSupported && packed < end; packed += 32, to += 32)
            {
                Vector256<byte> both = Vector256.Load(packed);
                (both & Vector256.Create((byte)15)).Store(to);
                Nibbles.Right(both, 4, 15).Store(to + 512);
            }
        }
    }

    public static bool MultipliesOne => true;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyOne<TDot>(byte* group, GroupTile* tile, sbyte* token, sbyte* quadSums, int* products, byte* ahead)
        where TDot : struct, IGroupDot
    {
        GroupTile.Halves(group, tile->Scale);
        GroupTile.Halves(group + 32, tile->MinimumScale);
        SixBitScales.UnpackGroup(group + 64, tile);
        GroupLayout.Prefetch(ahead, 256);
        if (TDot.Wide)
        {
            MultiplyWide(group + 256, tile->Scales, token, ahead + 256).Store(products);
        }
        else
        {
            MultiplyHalves(group + 256, tile->Scales, token, products, ahead + 256);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> MultiplyWide(byte* packed, short* scales, sbyte* token, byte* ahead)
    {
        Vector512<int> sum = default;
        for (int pair = 0; pair < 4; pair++, scales += 64, token += 64)
        {
            Vector512<short> low = default, high = default;
            for (byte* end = packed + 512; packed < end; packed += 64, ahead += 64, token += 4)
            {
                Sse.Prefetch0(ahead);
                Vector512<byte> both = Vector512.Load(packed);
                low += WideMath.MultiplyAddAdjacent(both & Vector512.Create((byte)15), Vector512.Create(*(int*)token).AsSByte());
                high += WideMath.MultiplyAddAdjacent(Nibbles.Right(both, 4, 15), Vector512.Create(*(int*)(token + 32)).AsSByte());
            }

            token -= 32;
            sum += WideMath.MultiplyAddAdjacent(low, Vector512.Load(scales)) + WideMath.MultiplyAddAdjacent(high, Vector512.Load(scales + 32));
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyHalves(byte* packed, short* scales, sbyte* token, int* products, byte* ahead)
    {
        Vector256<int> first = default, last = default; // rows 0-7 and 8-15
        for (int pair = 0; pair < 4; pair++, scales += 64, token += 64)
        {
            Vector256<short> firstLow = default, firstHigh = default, lastLow = default, lastHigh = default;
            for (byte* end = packed + 512; packed < end; packed += 64, ahead += 64, token += 4)
            {
                Sse.Prefetch0(ahead);
                Vector256<byte> upper = Vector256.Load(packed), lower = Vector256.Load(packed + 32), fifteen = Vector256.Create((byte)15);
                Vector256<sbyte> a = Vector256.Create(*(int*)token).AsSByte(), b = Vector256.Create(*(int*)(token + 32)).AsSByte();
                firstLow += Avx2.MultiplyAddAdjacent(upper & fifteen, a);
                lastLow += Avx2.MultiplyAddAdjacent(lower & fifteen, a);
                firstHigh += Avx2.MultiplyAddAdjacent(Nibbles.Right(upper, 4, 15), b);
                lastHigh += Avx2.MultiplyAddAdjacent(Nibbles.Right(lower, 4, 15), b);
            }

            token -= 32;
            first += Avx2.MultiplyAddAdjacent(firstLow, Vector256.Load(scales)) + Avx2.MultiplyAddAdjacent(firstHigh, Vector256.Load(scales + 32));
            last += Avx2.MultiplyAddAdjacent(lastLow, Vector256.Load(scales + 16)) + Avx2.MultiplyAddAdjacent(lastHigh, Vector256.Load(scales + 48));
        }

        first.Store(products);
        last.Store(products + 8);
    }
}
