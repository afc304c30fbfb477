using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>256 columns of sixteen rows, unpacked to bytes in the first-level cache for every token of a batch: either one block of
/// 256 (its scales are integers, for 16 or 32 columns) or up to eight blocks of 32 (their scales are floats). As in
/// <see cref="Tile256"/> and <see cref="Tile32"/>, a format only knows how to unpack itself and an instruction set only how to
/// multiply; each row's sums are the integers that its own tile would give. With AVX-512 sixteen rows are stored as one register: loads of
/// whole registers and of halves both get what was stored just now, while a load of a whole would wait for two halves to reach the cache.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct GroupTile
{
    /// <summary>[64 quads of columns][16 rows][4]; sbyte where the format says Signed.</summary>
    public fixed byte Quants[64 * 64];

    /// <summary>[16 or 8 sub-blocks][16 rows][2], each scale twice: the second operand of a multiply-add of adjacent pairs.
    /// Blocks of 256 only.</summary>
    public fixed short Scales[16 * 32];

    /// <summary>[8 or 4 pairs of sub-blocks][16 rows][2]. Blocks of 256 whose correction is a minimum only.</summary>
    public fixed short Minimums[8 * 32];

    /// <summary>[8 blocks of 32, or one of 256][16 rows]</summary>
    public fixed float Scale[8 * 16];

    /// <summary>[8 blocks of 32, or one of 256][16 rows]</summary>
    public fixed float MinimumScale[8 * 16];

    /// <summary>Sixteen halves to floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Halves(byte* group, float* destination)
    {
        if (Avx512BW.IsSupported)
        {
            HalfBits.ToSingle(Vector256.Load((ushort*)group)).Store(destination);
            return;
        }

        HalfBits.ToSingle(Vector128.Load((ushort*)group)).Store(destination);
        HalfBits.ToSingle(Vector128.Load((ushort*)group + 8)).Store(destination + 8);
    }

    /// <summary>The bytes of each row's word as scales of four sub-blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreScales(Vector256<uint> words, short* scales)
    {
        Twice(words, 0).Store(scales);
        Twice(words, 1).Store(scales + 32);
        Twice(words, 2).Store(scales + 64);
        Twice(words, 3).Store(scales + 96);
    }

    /// <inheritdoc cref="StoreScales(Vector256{uint}, short*)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreScales(Vector512<uint> words, short* scales)
    {
        Twice(words, 0).Store(scales);
        Twice(words, 1).Store(scales + 32);
        Twice(words, 2).Store(scales + 64);
        Twice(words, 3).Store(scales + 96);
    }

    /// <summary>The bytes of each row's word as minimums of four sub-blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreMinimums(Vector256<uint> words, short* minimums)
    {
        Pair(words, 0).Store(minimums);
        Pair(words, 2).Store(minimums + 32);
    }

    /// <inheritdoc cref="StoreMinimums(Vector256{uint}, short*)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreMinimums(Vector512<uint> words, short* minimums)
    {
        Pair(words, 0).Store(minimums);
        Pair(words, 2).Store(minimums + 32);
    }

    // byte i of each of eight words, twice as 16 bits unsigned
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Twice(Vector256<uint> words, int i) =>
        Avx2.Shuffle(words.AsByte(), Bytes(i, -1, i, -1)).AsInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Twice(Vector512<uint> words, int i) => Shuffle(words, Bytes(i, -1, i, -1));

    // bytes i and the next of each of eight words as 16 bits unsigned
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Pair(Vector256<uint> words, int i) =>
        Avx2.Shuffle(words.AsByte(), Bytes(i, -1, i + 1, -1)).AsInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Pair(Vector512<uint> words, int i) => Shuffle(words, Bytes(i, -1, i + 1, -1));

    /// <summary>Byte <paramref name="i"/> of each of eight words, twice, in the upper bytes of 16 bits: shifted right by 8 they are signed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> UpperTwice(Vector256<uint> words, int i) =>
        Avx2.Shuffle(words.AsByte(), Bytes(-1, i, -1, i)).AsInt16();

    /// <inheritdoc cref="UpperTwice(Vector256{uint}, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> UpperTwice(Vector512<uint> words, int i) => Shuffle(words, Bytes(-1, i, -1, i));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Shuffle(Vector512<uint> words, Vector256<byte> bytes) =>
        Avx512BW.Shuffle(words.AsByte(), Vector512.Create(bytes, bytes)).AsInt16();

    // a shuffle that takes these bytes of each 32-bit word; -1: zero
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Bytes(int a, int b, int c, int d)
    {
        var word = Vector128.Create((sbyte)a, (sbyte)b, (sbyte)c, (sbyte)d, Next(a, 4), Next(b, 4), Next(c, 4), Next(d, 4),
            Next(a, 8), Next(b, 8), Next(c, 8), Next(d, 8), Next(a, 12), Next(b, 12), Next(c, 12), Next(d, 12)).AsByte();
        return Vector256.Create(word, word);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static sbyte Next(int i, int step) => (sbyte)(i < 0 ? -1 : i + step);
}
