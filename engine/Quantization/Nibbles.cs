using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>Bit fields that several formats share.</summary>
internal static unsafe class Nibbles
{
    /// <summary>The sixteen levels of the IQ4 formats.</summary>
    private static ReadOnlySpan<sbyte> Levels => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    /// <summary>Level <paramref name="q"/> of the sixteen.</summary>
    public static float Level(int q) => Levels[q];

    /// <summary>The number of a level, from its value.</summary>
    public static int LevelNumber(float level) => Levels.IndexOf((sbyte)level);

    /// <summary>32 weights of 16 bytes: low halves first, then high halves.</summary>
    public static void Split16(byte* packed, byte* quants)
    {
        for (var i = 0; i < 16; i++)
        {
            quants[i] = (byte)(packed[i] & 15);
            quants[i + 16] = (byte)(packed[i] >> 4);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Split16(Vector128<byte> packed) =>
        Vector256.Create(packed, (packed.AsUInt16() >>> 4).AsByte()) & Vector256.Create((byte)15);

    /// <summary>Every byte shifted right by <paramref name="bits"/> and cut to <paramref name="mask"/>, which must drop what the
    /// neighbouring byte shifts in: at most 8 - bits bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Right(Vector256<byte> bytes, int bits, byte mask) =>
        (bytes.AsUInt16() >>> bits).AsByte() & Vector256.Create(mask);

    /// <inheritdoc cref="Right(Vector256{byte}, int, byte)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Right(Vector512<byte> bytes, int bits, byte mask) =>
        (bytes.AsUInt16() >>> bits).AsByte() & Vector512.Create(mask);

    /// <summary>As <see cref="Right(Vector256{byte}, int, byte)"/>, to the left; the mask must drop the lowest bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Left(Vector256<byte> bytes, int bits, byte mask) =>
        (bytes.AsUInt16() << bits).AsByte() & Vector256.Create(mask);

    /// <inheritdoc cref="Left(Vector256{byte}, int, byte)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Left(Vector512<byte> bytes, int bits, byte mask) =>
        (bytes.AsUInt16() << bits).AsByte() & Vector512.Create(mask);

    /// <summary>Adds 16 to weight i where bit i is set.</summary>
    public static void AddFifthBits(uint bits, byte* quants)
    {
        for (var i = 0; i < 32; i++)
            quants[i] |= (byte)(((bits >> i) & 1) << 4);
    }

    /// <summary>16 in byte i where bit i is set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> FifthBits(uint bits)
    {
        // byte i takes the byte of its bit, picks the bit, and becomes all ones if it is there
        var spread = Vector256.Shuffle(
            Vector256.Create(bits).AsByte(),
            Vector256.Create(
                Vector128.Create((byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1),
                Vector128.Create((byte)18, 18, 18, 18, 18, 18, 18, 18, 19, 19, 19, 19, 19, 19, 19, 19)));
        var picked = Vector256.Create(0x8040201008040201).AsByte();
        return Vector256.Equals(spread & picked, picked) & Vector256.Create((byte)16);
    }

    public static void ToLevels(byte* quants)
    {
        for (var i = 0; i < 32; i++)
            quants[i] = (byte)Levels[quants[i]];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ToLevels(Vector256<byte> quants)
    {
        var levels = Vector128.Create((sbyte)-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113).AsByte();
        return Avx2.IsSupported
            ? Avx2.Shuffle(Vector256.Create(levels, levels), quants)
            : Vector256.Create(Vector128.Shuffle(levels, quants.GetLower()), Vector128.Shuffle(levels, quants.GetUpper()));
    }

    /// <summary>32 columns of sixteen rows: of four words a row, low halves are columns 0-15, high halves 16-31.</summary>
    /// <param name="levels">Whether they index <see cref="Levels"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void UnpackGroup(byte* packed, byte* quants, bool levels)
    {
        for (int at = 0; at < 256; at += 32)
        {
            Vector256<byte> both = Vector256.Load(packed + at);
            Vector256<byte> low = both & Vector256.Create((byte)15), high = Right(both, 4, 15);
            (levels ? ToLevels(low) : low).Store(quants + at);
            (levels ? ToLevels(high) : high).Store(quants + 256 + at);
        }
    }

    /// <summary>Adds 16 to column i of a row where bit i of the row's word is set: 32 columns of sixteen rows.</summary>
    public static void AddGroupFifthBits(uint* bits, byte* quants)
    {
        for (int quad = 0; quad < 8; quad++)
        {
            // all four bytes of a word take the byte of their bits, and each picks its bit
            var spread = Vector128.Create(0x00000000u, 0x04040404u, 0x08080808u, 0x0C0C0C0Cu) + Vector128.Create(0x01010101u * (uint)(quad / 2));
            var bytes = Vector256.Create(spread, spread).AsByte();
            var picked = Vector256.Create(quad % 2 == 0 ? 0x08040201u : 0x80402010u).AsByte();
            for (int row = 0; row < GroupLayout.Rows; row += 8)
            {
                Vector256<byte> set = Vector256.Equals(Avx2.Shuffle(Vector256.Load(bits + row).AsByte(), bytes) & picked, picked);
                byte* to = quants + (64 * quad) + (4 * row);
                (Vector256.Load(to) | (set & Vector256.Create((byte)16))).Store(to);
            }
        }
    }
}
