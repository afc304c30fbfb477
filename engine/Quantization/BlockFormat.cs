namespace SmolCluster.Engine.Quantization;

/// <summary>How a tensor type packs a row: <paramref name="Length"/> weights in <paramref name="Bytes"/> bytes.</summary>
public readonly record struct BlockFormat(int Length, int Bytes)
{
    /// <summary>The layout of a type this engine reads; false for every other type.</summary>
    public static bool TryGet(GgmlType type, out BlockFormat format)
    {
        format = type switch
        {
            GgmlType.F32 => new(1, 4),
            GgmlType.F16 or GgmlType.BF16 => new(1, 2),
            GgmlType.Q4_0 => new(32, 18),
            GgmlType.Q4_1 => new(32, 20),
            GgmlType.Q5_0 => new(32, 22),
            GgmlType.Q5_1 => new(32, 24),
            GgmlType.Q8_0 => new(32, 34),
            GgmlType.Q2_K => new(256, 84),
            GgmlType.Q3_K => new(256, 110),
            GgmlType.Q4_K => new(256, 144),
            GgmlType.Q5_K => new(256, 176),
            GgmlType.Q6_K => new(256, 210),
            GgmlType.IQ4_NL => new(32, 18),
            GgmlType.IQ4_XS => new(256, 136),
            _ => default,
        };
        return format.Length != 0;
    }
}
