using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Tests.Quantization;

/// <summary>Weight rows with every bit pattern a file can hold, except infinite and NaN scales.</summary>
internal static unsafe class RandomBlocks
{
    public static readonly GgmlType[] Types = [.. Enum.GetValues<GgmlType>().Where(static type => BlockFormat.TryGet(type, out _))];

    /// <summary>Offsets of the half-float scales in a block.</summary>
    public static int[] ScaleOffsets(GgmlType type) => type switch
    {
        GgmlType.F16 or GgmlType.Q4_0 or GgmlType.Q5_0 or GgmlType.Q8_0 or GgmlType.IQ4_NL or GgmlType.IQ4_XS => [0],
        GgmlType.Q4_1 or GgmlType.Q5_1 or GgmlType.Q4_K or GgmlType.Q5_K => [0, 2],
        GgmlType.Q2_K => [80, 82],
        GgmlType.Q3_K => [108],
        GgmlType.Q6_K => [208],
        _ => [],
    };

    public static BlockFormat Format(GgmlType type) =>
        BlockFormat.TryGet(type, out var format) ? format : throw new ArgumentException($"{type} has no blocks.", nameof(type));

    public static byte[] Row(GgmlType type, int columns, int seed)
    {
        var format = Format(type);
        var random = new Random(seed);
        var row = new byte[columns / format.Length * format.Bytes];
        random.NextBytes(row);
        if (type == GgmlType.F32)
            FillFloats(row, random, 4);
        else if (type == GgmlType.BF16)
            FillFloats(row, random, 2);
        for (var block = 0; block < columns / format.Length; block++)
        {
            var bytes = row.AsSpan(block * format.Bytes, format.Bytes);
            if (format.Length > 1 && block % 5 == 3)
                bytes.Fill((byte)(block % 2 == 0 ? 0xFF : 0x80)); // all fields at an extreme
            foreach (var offset in ScaleOffsets(type))
                BitConverter.TryWriteBytes(bytes[offset..], Scale(random));
        }

        return row;
    }

    public static float[] Activations(int columns, int tokens, int seed)
    {
        var random = new Random(seed);
        var values = new float[columns * tokens];
        for (var i = 0; i < values.Length; i++)
        {
            // neighbouring blocks of very different size; some all zero; some with every value at the maximum
            // (ScaleB, not Pow, whose bits are the C library's)
            var magnitude = MathF.ScaleB(1, 3 * ((i / 32 % 7) - 3)) * (i / 256 % 6 == 5 ? 0 : 1);
            values[i] = i / 32 % 11 == 10 ? magnitude * (i % 2 == 0 ? 1 : -1) : ((random.NextSingle() * 2) - 1) * magnitude;
        }

        return values;
    }

    private static Half Scale(Random random) => random.Next(8) switch
    {
        0 => (Half)0f,
        1 => BitConverter.UInt16BitsToHalf((ushort)random.Next(1, 0x400)), // subnormal
        2 => BitConverter.UInt16BitsToHalf((ushort)(0x8000 | random.Next(0, 0x400))), // negative subnormal or -0
        3 => Half.MaxValue,
        _ => (Half)((random.NextSingle() - 0.5f) * 0.1f),
    };

    private static void FillFloats(byte[] row, Random random, int bytes)
    {
        for (var i = 0; i < row.Length; i += bytes)
        {
            var value = (random.NextSingle() - 0.5f) * MathF.ScaleB(1, random.Next(-20, 20));
            BitConverter.GetBytes(value).AsSpan(4 - bytes).CopyTo(row.AsSpan(i));
        }
    }
}
