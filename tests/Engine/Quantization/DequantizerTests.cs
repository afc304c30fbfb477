using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Tests.Quantization;

public sealed unsafe class DequantizerTests
{
    [Fact]
    public void Layouts_EveryFormat_HaveTheFilesSize()
    {
        AssertSize<Q4_0>(GgmlType.Q4_0);
        AssertSize<Q4_1>(GgmlType.Q4_1);
        AssertSize<Q5_0>(GgmlType.Q5_0);
        AssertSize<Q5_1>(GgmlType.Q5_1);
        AssertSize<Q8_0>(GgmlType.Q8_0);
        AssertSize<IQ4_NL>(GgmlType.IQ4_NL);
        AssertSize<Q2_K>(GgmlType.Q2_K);
        AssertSize<Q3_K>(GgmlType.Q3_K);
        AssertSize<Q4_K>(GgmlType.Q4_K);
        AssertSize<Q5_K>(GgmlType.Q5_K);
        AssertSize<Q6_K>(GgmlType.Q6_K);
        AssertSize<IQ4_XS>(GgmlType.IQ4_XS);
    }

    // (type, byte to set, its value, weight to look at, expected) in a block whose scales d are 1 and minimum scales 0.5,
    // all other bytes 0; worked out by hand from the formats' definitions.
    [Theory]
    [InlineData(GgmlType.Q4_0, 3, 0xA1, 1, 1 - 8)]
    [InlineData(GgmlType.Q4_0, 3, 0xA1, 17, 10 - 8)]
    [InlineData(GgmlType.Q4_1, 4, 0xA1, 0, 1.5)]
    [InlineData(GgmlType.Q4_1, 4, 0xA1, 16, 10.5)]
    [InlineData(GgmlType.Q5_0, 4, 0x02, 17, 16 - 16)]
    [InlineData(GgmlType.Q5_0, 4, 0x02, 16, 0 - 16)]
    [InlineData(GgmlType.Q5_0, 6, 0xA1, 16, 10 - 16)]
    [InlineData(GgmlType.Q5_1, 7, 0x80, 31, 16.5)]
    [InlineData(GgmlType.Q5_1, 23, 0x70, 31, 7.5)]
    [InlineData(GgmlType.Q8_0, 33, 0x80, 31, -128)]
    [InlineData(GgmlType.IQ4_NL, 2, 0xF0, 0, -127)]
    [InlineData(GgmlType.IQ4_NL, 2, 0xF0, 16, 113)]
    public void Row_KnownBlock32_GivesTheWeight(GgmlType type, int at, byte value, int weight, double expected) =>
        Assert.Equal(expected, Weight(type, [(at, value)], weight));

    [Theory]
    // scale byte 3 (3, minimum 2) belongs to weights 48-63; bit pair 1 of byte 20 is weight 52
    [InlineData(GgmlType.Q2_K, 3, 0x23, 36, 0x08, 52, (3 * 2) - (0.5 * 2))]
    // low scale bits 15 for sub-block 9 (high half of byte 97), other bits 0; weight 128+16: q = 0 - 4
    [InlineData(GgmlType.Q3_K, 97, 0xF0, 0, 0, 144, (15 - 32) * -4)]
    // high scale bits 2 for sub-block 5 (pair 1 of byte 96 + 8 + 1): scale 32 - 32 + 0
    [InlineData(GgmlType.Q3_K, 105, 0x0C, 95, 0, 80, (48 - 32) * -4)]
    // third bit of weight 32: bit 1 of byte 0, and two low bits: pair 1 of byte 32
    [InlineData(GgmlType.Q3_K, 0, 0x02, 32, 0x0C, 32, -32 * (7 - 4))]
    // scale 1 = 9 (byte 4 + 1), weight 32 is the upper half of byte 16
    [InlineData(GgmlType.Q4_K, 5, 9, 16, 0x50, 32, 9 * 5)]
    // minimum 1 = 9 (byte 4 + 5)
    [InlineData(GgmlType.Q4_K, 9, 9, 16, 0, 32, -0.5 * 9)]
    // scale 6: low bits in byte 4 + 10, high bits in byte 4 + 2; weight 6 * 32 + 1 is the lower half of byte 16 + 97
    [InlineData(GgmlType.Q4_K, 6, 0xC0, 113, 0x03, 193, 48 * 3)]
    [InlineData(GgmlType.Q4_K, 14, 0x0D, 113, 0x03, 193, 13 * 3)]
    [InlineData(GgmlType.Q4_K, 14, 0xD0, 113, 0x03, 193, -0.5 * 13)]
    // fifth bit of weight 7 * 32 + 2: bit 7 of byte 16 + 2; scale 7 = 1
    [InlineData(GgmlType.Q5_K, 15, 0x01, 18, 0x80, 226, 16)]
    // scale 11 = -2 (byte 192 + 11), weight 176 = 128 + 32 + 16: lower half of byte 64 + 48 = 15, q = 15 - 32
    [InlineData(GgmlType.Q6_K, 203, 0xFE, 112, 0x0F, 176, -2 * (15 - 32))]
    // pair 2 of byte 128 + 5 is weight 69, sub-block 4
    [InlineData(GgmlType.Q6_K, 196, 0x01, 133, 0x30, 69, 48 - 32)]
    // scale 3: low 4 bits in the upper half of byte 5; weight 96 + 20 is the upper half of byte 8 + 48 + 4, level 8 is 1
    [InlineData(GgmlType.IQ4_XS, 5, 0x70, 60, 0x80, 116, 7 - 32)]
    // high bits of scale 5: pair 5 of the 16 bits at byte 2; level 0 is -127
    [InlineData(GgmlType.IQ4_XS, 3, 0x0C, 8, 0, 161, (48 - 32) * -127)]
    public void Row_KnownBlock256_GivesTheWeight(GgmlType type, int at, byte value, int at2, byte value2, int weight, double expected) =>
        Assert.Equal(expected, Weight(type, [(at2, value2), (at, value)], weight));

    [Fact]
    public void Row_EveryHalf_IsExact()
    {
        var halves = new byte[65536 * 2];
        for (var i = 0; i < 65536; i++)
            BitConverter.TryWriteBytes(halves.AsSpan(2 * i), (ushort)i);
        var vector = RowDotTests.Dequantize(GgmlType.F16, halves, 65536);
        for (var i = 0; i < 65536; i++)
        {
            var expected = (float)BitConverter.UInt16BitsToHalf((ushort)i);
            if (float.IsNaN(expected))
            {
                Assert.True(float.IsNaN(vector[i]) && float.IsNaN(HalfBits.ToSingle((ushort)i)));
                continue;
            }

            Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(vector[i]));
            Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(HalfBits.ToSingle((ushort)i)));
        }
    }

    [Fact]
    public void ToSingle_EveryHalf_SameBitsAtAnyWidth()
    {
        Assert.SkipUnless(Avx2.IsSupported, "This machine has no AVX2; it converts no halves by sixteen.");
        for (int i = 0; i < 65536; i += 16)
        {
            ushort[] halves = [.. Enumerable.Range(i, 16).Select(static half => (ushort)half)];
            float[] eights = new float[16], sixteen = new float[16];
            HalfBits.ToSingle(Vector128.Create(halves)).CopyTo(eights);
            HalfBits.ToSingle(Vector128.Create(halves, 8)).CopyTo(eights, 8);
            HalfBits.ToSingle(Vector256.Create(halves)).CopyTo(sixteen);
            int[] expected = [.. halves.Select(HalfBits.ToSingle).Select(Bits)];
            Assert.Equal(expected, eights.Select(Bits));
            Assert.Equal(expected, sixteen.Select(Bits));
        }

        // what is no number stays so; which one it is, no sum keeps
        static int Bits(float single) => BitConverter.SingleToInt32Bits(float.IsNaN(single) ? float.NaN : single);
    }

    [Fact]
    public void Row_PartOfABlock_Throws()
    {
        var exception = Assert.Throws<ArgumentException>(() => RowDotTests.Dequantize(GgmlType.Q6_K, new byte[210], 255));
        Assert.Contains("Q6_K blocks of 256", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>Root mean square of the difference over that of the weights: about what the bits of each format allow.</summary>
    [Theory]
    [InlineData("f16", 0.0003)]
    [InlineData("bf16", 0.003)]
    [InlineData("Q8_0", 0.008)]
    [InlineData("Q6_K", 0.03)]
    [InlineData("Q5_K", 0.05)]
    [InlineData("Q5_1", 0.05)]
    [InlineData("Q5_0", 0.06)]
    [InlineData("Q4_K", 0.09)]
    [InlineData("Q4_1", 0.1)]
    [InlineData("Q4_0", 0.12)]
    [InlineData("IQ4_NL", 0.1)]
    [InlineData("IQ4_XS", 0.1)]
    [InlineData("Q3_K", 0.2)]
    [InlineData("Q2_K", 0.4)]
    public void Row_TinyModel_IsNearItsFloats(string name, double tolerance)
    {
        using var floats = GgufFile.Open(TestData.Shared("models/tiny/tiny-f32.gguf"));
        using var file = GgufFile.Open(TestData.Shared($"models/tiny/tiny-{name}.gguf"));
        var type = Enum.Parse<GgmlType>(name, ignoreCase: true);
        var checkedTensors = 0;
        foreach (var tensor in file.Tensors.Where(tensor => tensor.Type == type))
        {
            Assert.True(floats.TryGetTensor(tensor.Name, out var original));
            Assert.InRange(Error(file, tensor, floats, original), 0, tolerance);
            checkedTensors++;
        }

        Assert.NotEqual(0, checkedTensors);
    }

    private static double Error(GgufFile file, GgufTensor tensor, GgufFile floats, GgufTensor original)
    {
        var columns = (int)tensor.Columns;
        var format = RandomBlocks.Format(tensor.Type);
        var bytes = columns / format.Length * format.Bytes;
        double error = 0, size = 0;
        var weights = new float[columns];
        fixed (float* w = weights)
        {
            for (var row = 0; row < Math.Min(tensor.Rows, 64); row++)
            {
                Dequantizer.Row(tensor.Type, file.Data(tensor) + ((long)row * bytes), columns, w);
                var truth = (float*)floats.Data(original) + ((long)row * columns);
                for (var i = 0; i < columns; i++)
                {
                    error += Math.Pow(weights[i] - truth[i], 2);
                    size += Math.Pow(truth[i], 2);
                }
            }
        }

        return Math.Sqrt(error / size);
    }

    private static float Weight(GgmlType type, (int At, byte Value)[] bytes, int weight)
    {
        var format = RandomBlocks.Format(type);
        var block = new byte[format.Bytes];
        foreach (var (at, value) in bytes)
            block[at] = value;
        var offsets = RandomBlocks.ScaleOffsets(type);
        for (var i = 0; i < offsets.Length; i++)
            BitConverter.TryWriteBytes(block.AsSpan(offsets[i]), (Half)(i == 0 ? 1 : 0.5));
        return RowDotTests.Dequantize(type, block, format.Length)[weight];
    }

    private static void AssertSize<T>(GgmlType type)
        where T : unmanaged => Assert.Equal(RandomBlocks.Format(type).Bytes, sizeof(T));
}
