using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>What the integers of a tile still lack.</summary>
internal enum Correction
{
    /// <summary>Nothing: the quants are the weights without their scale.</summary>
    None,

    /// <summary>The quants are stored with an integer added to keep them positive; it is taken off in integers.</summary>
    Offset,

    /// <summary>A second, separately scaled term for each sub-block is subtracted (blocks of 256) or added (blocks of 32).</summary>
    Minimum,
}

/// <summary>One block of 256 weights, unpacked: the common ground of all K formats. Weight i is
/// <c>Scale * Scales[i / 2] * Quants[i] - MinimumScale * Minimums[i / 16]</c> (Minimum), or
/// <c>Scale * (Scales[i / 2] * Quants[i] - Minimums[i / 16])</c> (Offset).
/// <para>Design: a format only knows how to unpack itself, an instruction set only knows how to multiply a tile; thus formats and
/// instruction sets add instead of multiply, several tokens share one unpacking, and one token runs the same code as many, which
/// is why their bits agree. The tile stays in the first-level cache; the detour costs one token a few stores a block.</para></summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Tile256
{
    /// <summary>[256] in the order of the weights; sbyte where the format says Signed, else 0..63.</summary>
    public fixed byte Quants[256];

    /// <summary>[128] one for each pair of weights, which is what a multiply-add of adjacent pairs wants.</summary>
    public fixed short Scales[128];

    /// <summary>[16] one for each 16 weights.</summary>
    public fixed short Minimums[16];

    public float Scale;

    public float MinimumScale;

    /// <summary>[16] the scales before they were spread; written by <see cref="SpreadScales"/> only.</summary>
    public fixed sbyte SubScales[16];

    /// <summary>Spreads sub-block scales, one for each 16 weights, over the pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SpreadScales(Tile256* tile, Vector128<sbyte> scales)
    {
        scales.Store(tile->SubScales);
        var (low, high) = Vector128.Widen(scales);
        SpreadHalf(low, tile->Scales);
        SpreadHalf(high, tile->Scales + 64);
    }

    /// <summary>The scalar twin of <see cref="SpreadScales"/> for one sub-block of 16 weights.</summary>
    public static void SetScale(Tile256* tile, int subBlock, int scale) =>
        new Span<short>(tile->Scales + (subBlock * 8), 8).Fill((short)scale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SpreadHalf(Vector128<short> scales, short* pairs)
    {
        if (!Avx2.IsSupported)
        {
            for (var i = 0; i < 8; i++)
                Vector128.Create(scales[i]).Store(pairs + (8 * i));
            return;
        }

        var both = Vector256.Create(scales, scales).AsByte();
        SpreadTwo(both, 0x0100, 0x0302).Store(pairs);
        SpreadTwo(both, 0x0504, 0x0706).Store(pairs + 16);
        SpreadTwo(both, 0x0908, 0x0B0A).Store(pairs + 32);
        SpreadTwo(both, 0x0D0C, 0x0F0E).Store(pairs + 48);
    }

    /// <summary>Two of the scales, eight times each; a scale is named by the places of its two bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> SpreadTwo(Vector256<byte> scales, ushort first, ushort second) =>
        Avx2.Shuffle(scales, Vector256.Create(Vector128.Create(first), Vector128.Create(second)).AsByte()).AsInt16();
}
