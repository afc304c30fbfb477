using System.Globalization;
using System.Runtime.InteropServices;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Tests.Quantization;

public sealed unsafe class RowDotTests
{
    public static TheoryData<GgmlType> Types => [.. RandomBlocks.Types];

    [Theory]
    [MemberData(nameof(Types))]
    public void Scalar_QuantizedActivations_AgreesWithDoubles(GgmlType type)
    {
        const int Columns = 768, Tokens = 3;
        var dot = RowDot.For(type, SimdLevel.Scalar);
        for (var seed = 0; seed < 8; seed++)
        {
            var row = RandomBlocks.Row(type, Columns, seed);
            var activations = Quantize(dot.Activation, RandomBlocks.Activations(Columns, Tokens, seed), Columns, Tokens);
            var actual = Run(dot, row, activations, Columns, Tokens, 1);
            var weights = Dequantize(type, row, Columns);
            for (var t = 0; t < Tokens; t++)
            {
                var token = activations.AsSpan(t * Activations.RowBytes(dot.Activation, Columns));
                var values = QuantizedRow.Values(dot.Activation, token, Columns);
                double expected = 0, size = 0;
                for (var i = 0; i < Columns; i++)
                {
                    expected += weights[i] * values[i];
                    size += Math.Abs(weights[i] * values[i]);
                }

                Assert.InRange(actual[t] - expected, -1e-5 * size, 1e-5 * size);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void EveryLevel_AnyTokenCount_GivesTheScalarBits(GgmlType type)
    {
        var length = RandomBlocks.Format(type).Length;
        int[] widths = length switch { 1 => [1, 15, 16, 100, 256, 520, 769], 32 => [32, 64, 224, 256, 288, 768], _ => [256, 512, 1280] };
        foreach (var columns in widths)
        {
            foreach (var tokens in (int[])[1, 2, 7, 64, 67])
                AssertSameBits(type, columns, tokens);
        }
    }

    /// <summary>Results of one machine, written down: another machine, runtime or instruction set must find the same.</summary>
    [Theory]
    [MemberData(nameof(Types))]
    public void Best_FixedInput_GivesTheBitsOfOtherMachines(GgmlType type)
    {
        var dot = RowDot.For(type, Simd.Level);
        var row = RandomBlocks.Row(type, 1024, 77);
        var activations = Quantize(dot.Activation, RandomBlocks.Activations(1024, 4, 77), 1024, 4);
        var bits = MemoryMarshal.Cast<float, uint>(Run(dot, row, activations, 1024, 4, 1)).ToArray();
        Assert.Equal(RecordedBits.Of(type), string.Join(' ', bits.Select(static b => b.ToString("x8", CultureInfo.InvariantCulture))));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Reference_FloatActivations_AgreesWithDoubles(GgmlType type)
    {
        const int Columns = 256;
        var dot = RowDot.Reference(type);
        Assert.Equal(ActivationFormat.F32, dot.Activation);
        var row = RandomBlocks.Row(type, Columns, 5);
        var values = RandomBlocks.Activations(Columns, 2, 5);
        var actual = Run(dot, row, Quantize(ActivationFormat.F32, values, Columns, 2), Columns, 2, 1);
        var weights = Dequantize(type, row, Columns);
        for (var t = 0; t < 2; t++)
        {
            var sum = 0.0;
            for (var i = 0; i < Columns; i++)
                sum += (double)weights[i] * values[(t * Columns) + i];
            Assert.Equal((float)sum, actual[t]);
        }
    }

    [Fact]
    public void For_UnreadableType_NamesTheTypeAndTheChoice()
    {
        var exception = Assert.Throws<ArgumentException>(() => RowDot.For(GgmlType.IQ2_XS, SimdLevel.Scalar).Activation);
        Assert.Contains("IQ2_XS", exception.Message, StringComparison.Ordinal);
        Assert.Contains("Q4_K", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_DamagedActivations_GiveNaNAtEveryLevel()
    {
        var values = RandomBlocks.Activations(512, 1, 1);
        values[300] = float.PositiveInfinity;
        foreach (var level in Levels())
        {
            var dot = RowDot.For(GgmlType.Q4_K, level);
            var activations = Quantize(dot.Activation, values, 512, 1);
            Assert.True(float.IsNaN(Run(dot, RandomBlocks.Row(GgmlType.Q4_K, 512, 1), activations, 512, 1, 1)[0]));
        }
    }

    [Theory]
    [InlineData(0x7C00)]
    [InlineData(0xFC00)]
    [InlineData(0x7E01)]
    public void Run_HalfThatIsNoNumber_GivesTheScalarsAtEveryLevel(int bits)
    {
        byte[] row = RandomBlocks.Row(GgmlType.F16, 512, 9);
        BitConverter.TryWriteBytes(row.AsSpan(2 * 333), (ushort)bits);
        byte[] activations = Quantize(ActivationFormat.F32, RandomBlocks.Activations(512, 4, 9), 512, 4);
        foreach (int tokens in (int[])[1, 4])
        {
            float[] expected = Run(RowDot.For(GgmlType.F16, SimdLevel.Scalar), row, activations, 512, tokens, 1);
            Assert.All(expected, static value => Assert.False(float.IsFinite(value)));
            foreach (SimdLevel level in Levels())
                Assert.Equal(expected, Run(RowDot.For(GgmlType.F16, level), row, activations, 512, tokens, 1));
        }
    }

    internal static IEnumerable<SimdLevel> Levels() => Enum.GetValues<SimdLevel>().Where(Simd.IsSupported);

    internal static float[] Dequantize(GgmlType type, byte[] row, int columns)
    {
        var weights = new float[columns];
        fixed (byte* r = row)
        fixed (float* w = weights)
            Dequantizer.Row(type, r, columns, w);
        return weights;
    }

    private static void AssertSameBits(GgmlType type, int columns, int tokens)
    {
        for (var seed = 0; seed < 4; seed++)
        {
            var row = RandomBlocks.Row(type, columns, seed);
            var scalar = RowDot.For(type, SimdLevel.Scalar);
            var activations = Quantize(scalar.Activation, RandomBlocks.Activations(columns, tokens, seed), columns, tokens);
            var bytes = Activations.RowBytes(scalar.Activation, columns);
            var expected = new float[tokens];
            for (var t = 0; t < tokens; t++)
                expected[t] = Run(scalar, row, activations[(t * bytes)..((t + 1) * bytes)], columns, 1, 1)[0];
            foreach (var level in Levels())
            {
                var actual = Run(RowDot.For(type, level), row, activations, columns, tokens, 3);
                for (var t = 0; t < tokens; t++)
                {
                    Assert.True(
                        BitConverter.SingleToInt32Bits(expected[t]) == BitConverter.SingleToInt32Bits(actual[t * 3]),
                        $"{type} {level} columns {columns} token {t} of {tokens} seed {seed}: {expected[t]:R}, not {actual[t * 3]:R}");
                }
            }
        }
    }

    private static byte[] Quantize(ActivationFormat format, float[] values, int columns, int tokens)
    {
        var bytes = Activations.RowBytes(format, columns);
        var rows = new byte[bytes * tokens];
        fixed (float* v = values)
        fixed (byte* r = rows)
        {
            for (var t = 0; t < tokens; t++)
                Activations.Quantize(format, v + (t * columns), columns, r + (t * bytes));
        }

        return rows;
    }

    /// <summary>The row lies at an odd address, as rows in files may.</summary>
    private static float[] Run(RowDot dot, byte[] row, byte[] activations, int columns, int tokens, int stride)
    {
        var result = new float[tokens * stride];
        byte[] shifted = [0, .. row];
        fixed (byte* r = shifted, a = activations)
        fixed (float* d = result)
            dot.Run(r + 1, a, columns, tokens, d, stride);
        return result;
    }
}
