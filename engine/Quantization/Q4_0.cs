using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

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

    public static bool MultipliesOne => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyOne<TDot>(byte* group, int index, GroupTile* tile, sbyte* token, int* products, byte* ahead)
        where TDot : struct, IGroupDot
    {
        GroupTile.Halves(group, tile->Scale + (16 * index));
        if (TDot.Wide)
        {
            Vector512<short> sum = default; // all 32 columns fit 16 bits
            for (int quad = 0; quad < 4; quad++, ahead += 64)
            {
                Sse.Prefetch0(ahead);
                Vector512<byte> both = Vector512.Load(group + 32 + 64 * quad);
                sum += WideMath.MultiplyAddAdjacent(both & Vector512.Create((byte)15), Vector512.Create(((int*)token)[quad]).AsSByte())
                    + WideMath.MultiplyAddAdjacent(Nibbles.Right(both, 4, 15), Vector512.Create(((int*)token)[4 + quad]).AsSByte());
            }

            Sse.Prefetch0(ahead);
            WideMath.MultiplyAddAdjacent(sum, Vector512<short>.One).Store(products);
            return;
        }

        Vector256<byte> fifteen = Vector256.Create((byte)15);
        Vector256<short> first = default, last = default; // rows 0-7 and 8-15: all 32 columns fit 16 bits
        byte* packed = group + 32;
        for (int quad = 0; quad < 4; quad++, packed += 64, ahead += 72)
        {
            Sse.Prefetch0(ahead);
            Vector256<byte> upper = Vector256.Load(packed), lower = Vector256.Load(packed + 32);
            Vector256<sbyte> a = Vector256.Create(((int*)token)[quad]).AsSByte(), b = Vector256.Create(((int*)token)[4 + quad]).AsSByte();
            first += Avx2.MultiplyAddAdjacent(upper & fifteen, a) + Avx2.MultiplyAddAdjacent(Nibbles.Right(upper, 4, 15), b);
            last += Avx2.MultiplyAddAdjacent(lower & fifteen, a) + Avx2.MultiplyAddAdjacent(Nibbles.Right(lower, 4, 15), b);
        }

        Sse.Prefetch0(ahead - 9); // steps of 72 pass over one line in nine

        Avx2.MultiplyAddAdjacent(first, Vector256<short>.One).Store(products);
        Avx2.MultiplyAddAdjacent(last, Vector256<short>.One).Store(products + 8);
    }
}
