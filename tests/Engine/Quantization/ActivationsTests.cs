using System.Runtime.InteropServices;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Tests.Quantization;

public sealed unsafe class ActivationsTests
{
    [Theory]
    [InlineData(ActivationFormat.F32, 7, 28)]
    [InlineData(ActivationFormat.Q8, 32, 320)]
    [InlineData(ActivationFormat.Q8, 288, 640)]
    [InlineData(ActivationFormat.Q8K, 256, 384)]
    [InlineData(ActivationFormat.Q8K, 2048, 3008)]
    public void RowBytes_WholeBlocks_IsTheDocumentedLayout(ActivationFormat format, int columns, int expected) =>
        Assert.Equal(expected, Activations.RowBytes(format, columns));

    [Theory]
    [InlineData(ActivationFormat.Q8, 33)]
    [InlineData(ActivationFormat.Q8K, 128)]
    [InlineData(ActivationFormat.Q8K, -256)]
    public void RowBytes_PartOfABlock_Throws(ActivationFormat format, int columns) =>
        Assert.Throws<ArgumentException>(() => Activations.RowBytes(format, columns));

    [Theory]
    [InlineData(ActivationFormat.Q8, 32, 288)]
    [InlineData(ActivationFormat.Q8, 32, 1024)]
    [InlineData(ActivationFormat.Q8K, 256, 1536)]
    public void Quantize_AnyValues_GivesTheScalarBits(ActivationFormat format, int block, int columns)
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var values = RandomBlocks.Activations(columns, 1, seed);
            for (var i = 0; i < columns; i++)
                values[i] *= MathF.Pow(10, (seed - 10) * 3.7f); // from subnormal to overflowing
            var row = Quantize(format, values);
            AssertScalarBits(format, block, values, row);
        }
    }

    [Fact]
    public void Quantize_Ties_RoundToEven()
    {
        var values = new float[32];
        values[0] = 127;
        (values[1], values[2], values[3], values[4]) = (0.5f, 1.5f, -2.5f, -3.5f);
        var row = Quantize(ActivationFormat.Q8, values);
        Assert.Equal([127, 0, 2, -2, -4], MemoryMarshal.Cast<byte, sbyte>(row)[..5].ToArray());
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Quantize_NonFinite_MarksItsBlockOnly(float bad)
    {
        var values = new float[96];
        Array.Fill(values, 1f);
        values[40] = bad;
        var read = QuantizedRow.Values(ActivationFormat.Q8, Quantize(ActivationFormat.Q8, values), 96);
        Assert.All(read[..32], static v => Assert.Equal(1, v, 1e-6));
        Assert.All(read[32..64], static v => Assert.True(double.IsNaN(v)));
        Assert.All(read[64..], static v => Assert.Equal(1, v, 1e-6));
    }

    private static byte[] Quantize(ActivationFormat format, float[] values)
    {
        var row = new byte[Activations.RowBytes(format, values.Length)];
        Array.Fill(row, (byte)0xAA);
        fixed (float* v = values)
        fixed (byte* r = row)
            Activations.Quantize(format, v, values.Length, r);
        return row;
    }

    private static void AssertScalarBits(ActivationFormat format, int block, float[] values, byte[] row)
    {
        var columns = values.Length;
        var padded = (columns + 255) / 256 * 256;
        var scaleOffset = format == ActivationFormat.Q8 ? padded : columns + (columns / 8) + (columns / 16) + (columns / 4);
        var scales = MemoryMarshal.Cast<byte, float>(row.AsSpan(scaleOffset));
        for (var start = 0; start < columns; start += block)
        {
            var part = values.AsSpan(start, block);
            var largest = 0f;
            foreach (var value in part)
                largest = MathF.Max(largest, MathF.Abs(value)); // NaN wins
            var scale = float.IsFinite(largest) ? largest / 127f : float.NaN;
            scale = float.IsSubnormal(scale) ? 0 : scale;
            Assert.Equal(BitConverter.SingleToInt32Bits(scale), BitConverter.SingleToInt32Bits(scales[start / block]));
            for (var i = 0; i < block; i++)
                Assert.Equal(scale > 0 ? (int)MathF.Round(part[i] * (1f / scale), MidpointRounding.ToEven) : 0, (sbyte)row[start + i]);
        }

        var sumLength = format == ActivationFormat.Q8 ? 32 : 16;
        for (var i = 0; i < columns / sumLength; i++)
        {
            var sum = 0;
            foreach (var quant in MemoryMarshal.Cast<byte, sbyte>(row.AsSpan(i * sumLength, sumLength)))
                sum += quant;
            Assert.Equal(sum, format == ActivationFormat.Q8
                ? MemoryMarshal.Cast<byte, int>(row.AsSpan(padded + (padded / 8)))[i]
                : MemoryMarshal.Cast<byte, short>(row.AsSpan(columns))[i]);
            if (format == ActivationFormat.Q8K)
            {
                short[] quads = MemoryMarshal.Cast<byte, short>(row.AsSpan(columns + columns / 8 + columns / 16, columns / 4)).ToArray();
                sbyte[] quants = MemoryMarshal.Cast<byte, sbyte>(row.AsSpan(16 * i, 16)).ToArray();
                Assert.Equal(quants.Where(static (_, column) => column % 4 < 2).Sum(static quant => quant), quads[2 * i]);
                Assert.Equal(sum, quads[2 * i] + quads[2 * i + 1]);
            }

            if (format == ActivationFormat.Q8K && i % 2 == 1)
            {
                short[] sums = MemoryMarshal.Cast<byte, short>(row.AsSpan(columns, columns / 8 + columns / 16)).ToArray();
                Assert.Equal(sums[i - 1] + sums[i], sums[columns / 16 + i / 2]);
            }
        }
    }
}
