namespace SmolCluster.Engine.Quantization;

/// <summary>The one table from tensor types to code; a new format adds its file and a line here and in <see cref="BlockFormat"/>.</summary>
internal readonly unsafe struct RowFormat
{
    public ActivationFormat Activation { get; private init; }

    /// <summary>See <see cref="RowDot.Run"/>.</summary>
    public delegate*<byte*, byte*, int, int, float*, nint, void> Run { get; private init; }

    /// <summary>See <see cref="RowDot.RunGroup"/>; null where the type or the instruction set has none.</summary>
    public delegate*<byte*, nint, TokenRows, int, int, float*, nint, void> RunGroup { get; private init; }

    /// <summary>See <see cref="RowDot.RunTwo"/>; null where <see cref="RunGroup"/> is.</summary>
    public delegate*<byte*, byte*, byte*, int, float*, float*, void> RunTwo { get; private init; }

    /// <summary>How sixteen rows are laid side by side; empty where they are not.</summary>
    public GroupLayout Layout { get; private init; }

    /// <summary>As <see cref="Run"/>, on float activations: dequantized weights times activations, in double.</summary>
    public delegate*<byte*, byte*, int, int, float*, nint, void> Reference { get; private init; }

    /// <summary>See <see cref="Dequantizer.Row"/>; unchecked.</summary>
    public delegate*<byte*, int, float*, void> Dequantize { get; private init; }

    /// <exception cref="ArgumentException">The type has no reader here.</exception>
    public static RowFormat Of<TDot, TGroup>(GgmlType type)
        where TDot : struct, ITileDot
        where TGroup : struct, IGroupDot => type switch
        {
            GgmlType.F32 => Of<FloatRows<F32>, TDot, TGroup>(),
            GgmlType.F16 => Of<FloatRows<F16>, TDot, TGroup>(),
            GgmlType.BF16 => Of<FloatRows<BF16>, TDot, TGroup>(),
            GgmlType.Q4_0 => Of<Block32Rows<Q4_0>, TDot, TGroup>(),
            GgmlType.Q4_1 => Of<Block32Rows<Q4_1>, TDot, TGroup>(),
            GgmlType.Q5_0 => Of<Block32Rows<Q5_0>, TDot, TGroup>(),
            GgmlType.Q5_1 => Of<Block32Rows<Q5_1>, TDot, TGroup>(),
            GgmlType.Q8_0 => Of<Block32Rows<Q8_0>, TDot, TGroup>(),
            GgmlType.IQ4_NL => Of<Block32Rows<IQ4_NL>, TDot, TGroup>(),
            GgmlType.Q2_K => Of<Block256Rows<Q2_K>, TDot, TGroup>(),
            GgmlType.Q3_K => Of<Block256Rows<Q3_K>, TDot, TGroup>(),
            GgmlType.Q4_K => Of<Block256Rows<Q4_K>, TDot, TGroup>(),
            GgmlType.Q5_K => Of<Block256Rows<Q5_K>, TDot, TGroup>(),
            GgmlType.Q6_K => Of<Block256Rows<Q6_K>, TDot, TGroup>(),
            GgmlType.IQ4_XS => Of<Block256Rows<IQ4_XS>, TDot, TGroup>(),
            _ => throw Unreadable(type),
        };

    private static RowFormat Of<TRows, TDot, TGroup>()
        where TRows : struct, IRows
        where TDot : struct, ITileDot
        where TGroup : struct, IGroupDot => new()
        {
            Activation = TRows.Activation,
            Run = &TRows.Run<TDot>,
            RunGroup = TGroup.Exists ? &TRows.RunGroup<TGroup> : null,
            RunTwo = TGroup.Exists ? &TRows.RunTwo<TGroup> : null,
            Layout = TRows.Layout,
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
