using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>Rounds rows of activations to 8 bits, so that dot products with quantized weights are exact integer sums.
/// <para>A row holds each kind of value contiguously, so that a kernel loads eight scales with one instruction:
/// Q8: sbyte[padded], float scale[padded/32], int sum[padded/32], where padded is columns rounded up to 256 and the padding is 0;
/// Q8K: sbyte[columns], short sum[columns/16], short sum[columns/32], short[2] quad sums[columns/16] (of the first two and of the last two of
/// each four columns), float scale[columns/256], rounded up to 64 bytes.</para>
/// <para>A scale is the block's largest magnitude / 127, kept as float. Only exactly rounded element-wise operations and integer
/// maxima are used, so that the bits do not depend on the vector width. A block with a NaN or an infinity gets the scale NaN:
/// the damage stays visible in the logits instead of becoming a number. A scale below the smallest normal float becomes 0.</para></summary>
public static unsafe class Activations
{
    internal const int Q8Block = 32;
    internal const int Q8KBlock = 256;
    internal const int SumBlock = 16;

    // 1.5 * 2^23: adding it leaves the float rounded to an integer (ties to even) in the low bits.
    private const float RoundingBias = 12582912f;
    private const int RoundingBiasBits = 0x4B400000;

    /// <summary>Bytes from one activation row to the next.</summary>
    /// <exception cref="ArgumentException"><paramref name="columns"/> is not a multiple of the format's block.</exception>
    public static int RowBytes(ActivationFormat format, int columns) => format switch
    {
        ActivationFormat.F32 => checked(columns * sizeof(float)),
        ActivationFormat.Q8 => checked(Q8SumOffset(Checked(columns, Q8Block)) + (Padded(columns) / Q8Block * sizeof(int))),
        ActivationFormat.Q8K => checked((Q8KScaleOffset(Checked(columns, Q8KBlock)) + (columns / Q8KBlock * sizeof(float)) + 63) & ~63),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Unknown activation format."),
    };

    /// <summary>Writes <see cref="RowBytes"/> bytes. The ranges must not overlap.</summary>
    /// <param name="source">float[columns].</param>
    /// <param name="columns">A multiple of the format's block.</param>
    public static void Quantize(ActivationFormat format, float* source, int columns, byte* destination)
    {
        var bytes = RowBytes(format, columns);
        switch (format)
        {
            case ActivationFormat.Q8:
                QuantizeQ8(source, columns, destination);
                break;
            case ActivationFormat.Q8K:
                QuantizeQ8K(source, columns, destination);
                break;
            default:
                Buffer.MemoryCopy(source, destination, bytes, bytes);
                break;
        }
    }

    internal static int Padded(int columns) => checked(columns + (Q8KBlock - 1)) & ~(Q8KBlock - 1);

    internal static int Q8ScaleOffset(int columns) => Padded(columns);

    internal static int Q8SumOffset(int columns) => checked(Padded(columns) + (Padded(columns) / Q8Block * sizeof(float)));

    internal static int Q8KSumOffset(int columns) => columns;

    internal static int Q8KWideSumOffset(int columns) => checked(columns + (columns / SumBlock * sizeof(short)));

    internal static int Q8KQuadSumOffset(int columns) => checked(Q8KWideSumOffset(columns) + (columns / (2 * SumBlock) * sizeof(short)));

    internal static int Q8KScaleOffset(int columns) => checked(Q8KQuadSumOffset(columns) + (columns / SumBlock * 2 * sizeof(short)));

    private static int Checked(int columns, int block) => columns >= 0 && columns % block == 0
        ? columns
        : throw new ArgumentException($"A row of {columns} columns cannot be cut into blocks of {block}.", nameof(columns));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void QuantizeQ8(float* source, int columns, byte* destination)
    {
        var quants = (sbyte*)destination;
        var scales = (float*)(destination + Q8ScaleOffset(columns));
        var sums = (int*)(destination + Q8SumOffset(columns));
        var blocks = columns / Q8Block;
        for (var b = 0; b < blocks; b++)
        {
            var q = quants + (b * Q8Block);
            scales[b] = QuantizeBlock(source + (b * Q8Block), Q8Block, q);
            sums[b] = Sum16(q) + Sum16(q + SumBlock);
        }

        var padding = Padded(columns) - columns;
        new Span<byte>(quants + columns, padding).Clear();
        new Span<byte>(scales + blocks, padding / Q8Block * sizeof(float)).Clear();
        new Span<byte>(sums + blocks, padding / Q8Block * sizeof(int)).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void QuantizeQ8K(float* source, int columns, byte* destination)
    {
        var quants = (sbyte*)destination;
        var sums = (short*)(destination + Q8KSumOffset(columns));
        var scales = (float*)(destination + Q8KScaleOffset(columns));
        var blocks = columns / Q8KBlock;
        var wide = (short*)(destination + Q8KWideSumOffset(columns));
        var quads = (short*)(destination + Q8KQuadSumOffset(columns));
        for (var b = 0; b < blocks; b++, quants += Q8KBlock, quads += 32, sums += 16, wide += 8)
        {
            scales[b] = QuantizeBlock(source + (b * Q8KBlock), Q8KBlock, quants);
            if (Avx2.IsSupported)
                SumBlockWide(quants, quads, sums, wide);
            else
                SumBlockNarrow(quants, quads, sums, wide);
        }

        var end = (byte*)(scales + blocks);
        new Span<byte>(end, RowBytes(ActivationFormat.Q8K, columns) - (int)(end - destination)).Clear();
    }

    /// <summary>Rounds <paramref name="count"/> floats (a multiple of 16) and returns their scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float QuantizeBlock(float* source, int count, sbyte* quants)
    {
        var scale = Scale(source, count);
        if (!(scale > 0))
        {
            new Span<sbyte>(quants, count).Clear();
            return scale;
        }

        var inverse = 1f / scale;
        var i = 0;
        for (; Avx512F.IsSupported && i < count; i += SumBlock)
        {
            Avx512F.ConvertToVector128SByte((Vector512.Load(source + i) * Vector512.Create(inverse) + Vector512.Create(RoundingBias)).AsInt32()
                - Vector512.Create(RoundingBiasBits)).Store(quants + i);
        }

        var narrow = Vector128.Create(inverse);
        for (; i < count; i += SumBlock)
        {
            var low = Vector128.Narrow(Round(source + i, narrow), Round(source + i + 4, narrow));
            var high = Vector128.Narrow(Round(source + i + 8, narrow), Round(source + i + 12, narrow));
            Vector128.Narrow(low, high).Store(quants + i);
        }

        return scale;
    }

    private static Vector128<int> Round(float* source, Vector128<float> inverse) =>
        ((Vector128.Load(source) * inverse) + Vector128.Create(RoundingBias)).AsInt32() - Vector128.Create(RoundingBiasBits);

    /// <summary>Compares magnitudes as integers: the same order as floats, but NaN is the largest of all.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Scale(float* source, int count)
    {
        var wide = Vector256<int>.Zero;
        for (var i = 0; i < count; i += 8)
            wide = Vector256.Max(wide, Vector256.Load((int*)(source + i)) & Vector256.Create(0x7FFFFFFF));
        var largest = Vector128.Max(wide.GetLower(), wide.GetUpper());
        var bits = Math.Max(Math.Max(largest[0], largest[1]), Math.Max(largest[2], largest[3]));
        var magnitude = BitConverter.Int32BitsToSingle(bits);
        if (!float.IsFinite(magnitude))
            return float.NaN;
        var scale = magnitude / 127f;
        return float.IsNormal(scale) ? scale : 0f;
    }

    private static int Sum16(sbyte* quants)
    {
        var (low, high) = Vector128.Widen(Vector128.Load(quants));
        return Vector128.Sum(low + high);
    }

    /// <summary>The sums of one block of 256.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumBlockWide(sbyte* quants, short* quads, short* sums, short* wide)
    {
        var a = WideMath.MultiplyAddAdjacent(Vector512<byte>.One, Vector512.Load(quants));
        var b = WideMath.MultiplyAddAdjacent(Vector512<byte>.One, Vector512.Load(quants + 64));
        var c = WideMath.MultiplyAddAdjacent(Vector512<byte>.One, Vector512.Load(quants + 128));
        var d = WideMath.MultiplyAddAdjacent(Vector512<byte>.One, Vector512.Load(quants + 192));
        var quad = WideMath.AddAdjacentPairs(WideMath.AddAdjacentPairs(a, b), WideMath.AddAdjacentPairs(c, d));
        quad.Store(quads);
        var sixteen = WideMath.MultiplyAddAdjacent(quad, Vector512<short>.One);
        var sum = Vector256.Narrow(sixteen.GetLower(), sixteen.GetUpper());
        sum.Store(sums);
        var thirtyTwo = Avx2.MultiplyAddAdjacent(sum, Vector256<short>.One);
        Vector128.Narrow(thirtyTwo.GetLower(), thirtyTwo.GetUpper()).Store(wide);
    }

    private static void SumBlockNarrow(sbyte* quants, short* quads, short* sums, short* wide)
    {
        for (var i = 0; i < Q8KBlock / SumBlock; i++)
        {
            var (first, last) = QuadSums(quants + (i * SumBlock));
            (quads[2 * i], quads[(2 * i) + 1]) = (first, last);
            sums[i] = (short)(first + last);
            if (i % 2 == 1)
                wide[i / 2] = (short)(sums[i - 1] + sums[i]);
        }
    }

    /// <summary>Sums over four quads of their first two and of their last two.</summary>
    private static (short First, short Last) QuadSums(sbyte* quants)
    {
        var (low, high) = Vector128.Widen(Vector128.Load(quants));
        var eight = low + high;
        var four = eight.GetLower() + eight.GetUpper();
        return ((short)(four[0] + four[1]), (short)(four[2] + four[3]));
    }
}
