namespace SmolCluster.Engine.Quantization;

/// <summary>The one table from tensor types to code; a new format adds its file and a line here and in <see cref="BlockFormat"/>.</summary>
internal readonly unsafe struct RowFormat
{
    public ActivationFormat Activation { get; private init; }

    /// <summary>See <see cref="RowDot.Run"/>.</summary>
    public delegate*<byte*, byte*, int, int, float*, nint, void> Run { get; private init; }

    /// <summary>As <see cref="Run"/>, on float activations: dequantized weights times activations, in double.</summary>
    public delegate*<byte*, byte*, int, int, float*, nint, void> Reference { get; private init; }

    /// <summary>See <see cref="Dequantizer.Row"/>; unchecked.</summary>
    public delegate*<byte*, int, float*, void> Dequantize { get; private init; }

    /// <exception cref="ArgumentException">The type has no reader here.</exception>
    public static RowFormat Of<TDot>(GgmlType type)
        where TDot : struct, ITileDot => type switch
        {
            GgmlType.F32 => Of<FloatRows<F32>, TDot>(),
            GgmlType.F16 => Of<FloatRows<F16>, TDot>(),
            GgmlType.BF16 => Of<FloatRows<BF16>, TDot>(),
            GgmlType.Q4_0 => Of<Block32Rows<Q4_0>, TDot>(),
            GgmlType.Q4_1 => Of<Block32Rows<Q4_1>, TDot>(),
            GgmlType.Q5_0 => Of<Block32Rows<Q5_0>, TDot>(),
            GgmlType.Q5_1 => Of<Block32Rows<Q5_1>, TDot>(),
            GgmlType.Q8_0 => Of<Block32Rows<Q8_0>, TDot>(),
            GgmlType.IQ4_NL => Of<Block32Rows<IQ4_NL>, TDot>(),
            GgmlType.Q2_K => Of<Block256Rows<Q2_K>, TDot>(),
            GgmlType.Q3_K => Of<Block256Rows<Q3_K>, TDot>(),
            GgmlType.Q4_K => Of<Block256Rows<Q4_K>, TDot>(),
            GgmlType.Q5_K => Of<Block256Rows<Q5_K>, TDot>(),
            GgmlType.Q6_K => Of<Block256Rows<Q6_K>, TDot>(),
            GgmlType.IQ4_XS => Of<Block256Rows<IQ4_XS>, TDot>(),
            _ => throw Unreadable(type),
        };

    private static RowFormat Of<TRows, TDot>()
        where TRows : struct, IRows
        where TDot : struct, ITileDot => new()
        {
            Activation = TRows.Activation,
            Run = &TRows.Run<TDot>,
            Reference = &RunReference<TRows>,
            Dequantize = &TRows.Dequantize,
        };

    private static void RunReference<TRows>(byte* row, byte* activations, int columns, int tokens, float* destination, nint stride)
        where TRows : struct, IRows
    {
        var weights = new float[columns];
        fixed (float* w = weights)
            TRows.Dequantize(row, columns, w);
        for (var t = 0; t < tokens; t++)
        {
            var token = (float*)activations + (t * (nint)columns);
            var sum = 0.0;
            for (var i = 0; i < columns; i++)
                sum += (double)weights[i] * token[i];
            destination[t * stride] = (float)sum;
        }
    }

    private static ArgumentException Unreadable(GgmlType type)
    {
        var readable = Enum.GetValues<GgmlType>().Where(static candidate => BlockFormat.TryGet(candidate, out _));
        return new ArgumentException(
            $"Tensor type {type} ({(uint)type}) is not supported. Use a file quantized to one of {string.Join(", ", readable)}.",
            nameof(type));
    }
}
