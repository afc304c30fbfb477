using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>32 weights d * q, q a signed byte.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q8_0 : IBlock32<Q8_0>
{
    public ushort Scale;
    public fixed sbyte Quants[32];

    public static GroupLayout Layout => new(1, 8, 0);

    public static bool Signed => true;

    public static Correction Correction => Correction.None;

    public static int Offset => 0;

    public static int QuadsInHeadroom => 1;

    public static int Gap => 32;

    public static void Unpack(Q8_0* block, int index, Tile32* tile)
    {
        tile->Scales[index] = HalfBits.ToSingle(block->Scale);
        for (var i = 0; i < 32; i++)
            tile->Quants[(32 * index) + i] = (byte)block->Quants[i];
    }

    public static void UnpackVector(Q8_0* blocks, Tile32* tile)
    {
        Scales8.Load((byte*)&blocks->Scale, sizeof(Q8_0)).Store(tile->Scales);
        for (var i = 0; i < Tile32.Blocks; i++)
            Vector256.Load((byte*)blocks[i].Quants).Store(tile->Quants + (32 * i));
    }

    /// <summary>The scales only: the quants are bytes as they lie.</summary>
    public static void UnpackGroup(byte* group, int index, GroupTile* tile) => GroupTile.Halves(group, tile->Scale + (16 * index));

    public static bool MultipliesOne => true;

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyOne<TDot>(byte* group, int index, GroupTile* tile, sbyte* token, int* products, byte* ahead)
        where TDot : struct, IGroupDot
    {
        GroupTile.Halves(group, tile->Scale + (16 * index));
        if (!TDot.Wide)
        {
            TDot.MultiplyOne<Q8_0>(group + 32, 8, null, token, null, products, ahead, GroupLayout.Rows * sizeof(Q8_0));
            return;
        }

        // sixteen bits a weight: of each row the first two and the last two of four columns are summed apart
        short* columns = stackalloc short[32];
        WideMath.Widen(Vector256.Load(token)).Store(columns);
        Vector512<int> first = default, last = default; // rows 0-7 and 8-15
        var quants = (sbyte*)group + 32;
        for (short* end = columns + 32; columns < end; columns += 4, quants += 64, ahead += 64)
        {
            Sse.Prefetch0(ahead);
            Vector512<short> four = Vector512.Create(*(long*)columns).AsInt16();
            first += WideMath.MultiplyAddAdjacent(WideMath.Widen(Vector256.Load(quants)), four);
            last += WideMath.MultiplyAddAdjacent(WideMath.Widen(Vector256.Load(quants + 32)), four);
        }

        Sse.Prefetch0(ahead);
        WideMath.AddAdjacent(first, last).Store(products);
    }
}
