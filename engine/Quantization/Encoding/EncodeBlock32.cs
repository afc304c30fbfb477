using System.Runtime.CompilerServices;

namespace SmolCluster.Engine.Quantization.Encoding;

/// <summary>Writers of the formats with blocks of 32 weights. x and w as in <see cref="ScaleFit{TGrid}"/>.</summary>
internal static unsafe class EncodeBlock32
{
    private const int Length = 32;

    public static void Write(float* x, float* w, Q4_0* block)
    {
        float* q = stackalloc float[Length];
        block->Scale = Scaled<Grid4>(x, w, q);
        for (int i = 0; i < 16; i++)
            block->Quants[i] = Pair(q[i] + 8, q[i + 16] + 8);
    }

    public static void Write(float* x, float* w, Q5_0* block)
    {
        float* q = stackalloc float[Length];
        block->Scale = Scaled<Grid5>(x, w, q);
        block->HighBits = 0;
        for (int i = 0; i < Length; i++)
            q[i] += 16;
        for (int i = 0; i < 16; i++)
            block->Quants[i] = Pair(q[i], q[i + 16]);
        for (int i = 0; i < Length; i++)
            block->HighBits |= (uint)((int)q[i] >> 4) << i;
    }

    public static void Write(float* x, float* w, Q4_1* block)
    {
        float* q = stackalloc float[Length];
        (block->Scale, block->Minimum) = Affine(x, w, 15, q);
        for (int i = 0; i < 16; i++)
            block->Quants[i] = Pair(q[i], q[i + 16]);
    }

    public static void Write(float* x, float* w, Q5_1* block)
    {
        float* q = stackalloc float[Length];
        (block->Scale, block->Minimum) = Affine(x, w, 31, q);
        block->HighBits = 0;
        for (int i = 0; i < 16; i++)
            block->Quants[i] = Pair(q[i], q[i + 16]);
        for (int i = 0; i < Length; i++)
            block->HighBits |= (uint)((int)q[i] >> 4) << i;
    }

    public static void Write(float* x, float* w, IQ4_NL* block)
    {
        float* q = stackalloc float[Length];
        block->Scale = Scaled<LevelGrid>(x, w, q);
        for (int i = 0; i < 16; i++)
            block->Quants[i] = Pair(Nibbles.LevelNumber(q[i]), Nibbles.LevelNumber(q[i + 16]));
    }

    /// <summary>Eight bits need no search: the largest magnitude takes ±127.</summary>
    public static void Write(float* x, Q8_0* block)
    {
        float largest = 0;
        for (int i = 0; i < Length; i++)
            largest = MathF.Max(largest, MathF.Abs(x[i]));
        float scale = largest / 127, inverse = scale == 0 ? 0 : 1 / scale;
        block->Scale = Half(scale);
        for (int i = 0; i < Length; i++)
            block->Quants[i] = (sbyte)Math.Clamp(MathF.Round(x[i] * inverse, MidpointRounding.AwayFromZero), -127, 127);
    }

    /// <summary>The bits of the nearest half.</summary>
    public static ushort Half(float value) => BitConverter.HalfToUInt16Bits((Half)value);

    private static ushort Scaled<TGrid>(float* x, float* w, float* q)
        where TGrid : struct, IGrid
    {
        ushort scale = Half(ScaleFit<TGrid>.Best(x, w, Length));
        ScaleFit<TGrid>.Round(x, w, Length, HalfBits.ToSingle(scale), q);
        return scale;
    }

    private static (ushort Scale, ushort Minimum) Affine(float* x, float* w, int largest, float* q)
    {
        Line line = AffineFit.Best(x, w, Length, largest, offsetAboveZero: true);
        (ushort scale, ushort minimum) = (Half(line.Scale), Half(line.Offset));
        AffineFit.Round(x, w, Length, largest, new Line(HalfBits.ToSingle(scale), HalfBits.ToSingle(minimum)), q);
        return (scale, minimum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte Pair(float low, float high) => (byte)(((int)low & 15) | (((int)high & 15) << 4));
}
