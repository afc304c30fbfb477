namespace SmolCluster.Engine.Quantization.Encoding;

/// <summary>Floats to the blocks of a tensor type: the other direction of <see cref="Dequantizer"/>. Each block minimises the
/// weighted sum of its squared errors; the same bytes on every machine and with any number of threads.</summary>
public static unsafe class Quantizer
{
    private const int Group = 256;

    /// <summary>One row.</summary>
    /// <param name="type">A type with an entry in <see cref="BlockFormat"/>.</param>
    /// <param name="source">float[columns], finite.</param>
    /// <param name="columns">A multiple of the type's block length.</param>
    /// <param name="importance">float[columns], not negative: how much the error of each column counts; null: all the same.</param>
    /// <param name="destination">columns / block length blocks.</param>
    /// <exception cref="ArgumentException">The type has no writer here, or the columns do not fit it.</exception>
    /// <exception cref="ArithmeticException">A weight is no finite number, or too large for the type.</exception>
    public static void Row(GgmlType type, float* source, int columns, float* importance, byte* destination)
    {
        if (!BlockFormat.TryGet(type, out BlockFormat format) || columns < 0 || columns % format.Length != 0)
            throw new ArgumentException($"A row of {columns} columns cannot be cut into {type} blocks of {Math.Max(1, format.Length)}.", nameof(columns));
        for (int i = 0; i < columns; i++)
        {
            if (!float.IsFinite(source[i]))
                throw new ArithmeticException($"the weight in column {i} is {source[i]}; expected a finite number");
        }

        if (format.Length == 1)
            Floats(type, source, columns, destination);
        else
            Blocks(type, format, source, columns, importance, destination);
    }

    private static void Floats(GgmlType type, float* source, int columns, byte* destination)
    {
        for (int i = 0; i < columns; i++)
        {
            switch (type)
            {
                case GgmlType.F32: ((float*)destination)[i] = source[i]; break;
                case GgmlType.BF16: ((ushort*)destination)[i] = Upper(source[i]); break;
                default: ((ushort*)destination)[i] = Checked(source[i], i); break;
            }
        }
    }

    private static void Blocks(GgmlType type, BlockFormat format, float* source, int columns, float* importance, byte* destination)
    {
        float* w = stackalloc float[Group];
        new Span<float>(w, Group).Fill(1);
        for (int at = 0; at < columns; at += format.Length, destination += format.Bytes)
        {
            if (importance != null)
                Weigh(importance + at, format.Length, w);
            RequireModerate(type, source + at, format.Length, at);
            Block(type, source + at, w, destination);
        }
    }

    private static void Block(GgmlType type, float* x, float* w, byte* destination)
    {
        switch (type)
        {
            case GgmlType.Q4_0: EncodeBlock32.Write(x, w, (Q4_0*)destination); break;
            case GgmlType.Q4_1: EncodeBlock32.Write(x, w, (Q4_1*)destination); break;
            case GgmlType.Q5_0: EncodeBlock32.Write(x, w, (Q5_0*)destination); break;
            case GgmlType.Q5_1: EncodeBlock32.Write(x, w, (Q5_1*)destination); break;
            case GgmlType.Q8_0: EncodeBlock32.Write(x, (Q8_0*)destination); break;
            case GgmlType.IQ4_NL: EncodeBlock32.Write(x, w, (IQ4_NL*)destination); break;
            case GgmlType.Q2_K: EncodeBlock256.Write(x, w, (Q2_K*)destination); break;
            case GgmlType.Q3_K: EncodeBlock256.Write(x, w, (Q3_K*)destination); break;
            case GgmlType.Q4_K: EncodeBlock256.Write(x, w, (Q4_K*)destination); break;
            case GgmlType.Q5_K: EncodeBlock256.Write(x, w, (Q5_K*)destination); break;
            case GgmlType.Q6_K: EncodeBlock256.Write(x, w, (Q6_K*)destination); break;
            case GgmlType.IQ4_XS: EncodeBlock256.Write(x, w, (IQ4_XS*)destination); break;
            default: throw new ArgumentException($"Tensor type {type} has no writer.", nameof(type));
        }
    }

    /// <summary>Columns that nothing ever excited count a little, so that they are not free to become anything.</summary>
    private static void Weigh(float* importance, int count, float* w)
    {
        float sum = 0;
        for (int i = 0; i < count; i++)
            sum += importance[i];
        float mean = sum / count, least = mean * 1e-3f;
        for (int i = 0; i < count; i++)
            w[i] = mean > 0 && float.IsFinite(mean) ? MathF.Max(importance[i], least) / mean : 1;
    }

    /// <summary>Scales are halves: a block whose extreme needs more cannot be written.</summary>
    private static void RequireModerate(GgmlType type, float* x, int count, int column)
    {
        for (int i = 0; i < count; i++)
        {
            if (MathF.Abs(x[i]) > 32_768)
                throw new ArithmeticException($"the weight in column {column + i} is {x[i]}; {type} holds weights up to 32768 only");
        }
    }

    private static ushort Checked(float value, int column)
    {
        var half = (Half)value;
        return Half.IsFinite(half) ? BitConverter.HalfToUInt16Bits(half)
            : throw new ArithmeticException($"the weight in column {column} is {value}, which F16 cannot hold; BF16 can");
    }

    // nearest, ties to even; finite values only
    private static ushort Upper(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
