using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Tests.Quantization;

public sealed unsafe class RowGroupTests
{
    public static TheoryData<GgmlType> Types => [GgmlType.Q2_K, GgmlType.Q3_K, GgmlType.Q4_K, GgmlType.Q5_K, GgmlType.Q6_K];

    [Theory]
    [MemberData(nameof(Types))]
    public void RunGroup_AnyTokenCount_GivesEachRowsBits(GgmlType type)
    {
        if (!Simd.IsSupported(SimdLevel.Avx512))
        {
            Assert.True(RowDot.For(type, Simd.Level).RunGroup == null);
            return;
        }

        foreach ((int columns, int tokens) in new[] { (256, 1), (512, 5), (1280, 8), (768, 13), (256, 130) })
        {
            RowDot dot = RowDot.For(type, SimdLevel.Avx512);
            byte[][] rows = [.. Enumerable.Range(0, RowDot.GroupRows).Select(i => RandomBlocks.Row(type, columns, 100 + i))];
            int tokenBytes = Activations.RowBytes(dot.Activation, columns);
            byte[] activations = new byte[tokens * tokenBytes], matrix = [.. rows.SelectMany(static r => r)];
            float[] values = RandomBlocks.Activations(columns, tokens, 3);
            float[] expected = new float[tokens * RowDot.GroupRows], actual = new float[tokens * RowDot.GroupRows];
            fixed (float* v = values, e = expected, a = actual)
            fixed (byte* quantized = activations, m = matrix)
            {
                for (int t = 0; t < tokens; t++)
                {
                    Activations.Quantize(dot.Activation, v + t * columns, columns, quantized + t * tokenBytes);
                }

                for (int row = 0; row < RowDot.GroupRows; row++)
                {
                    dot.Run(m + row * rows[0].Length, quantized, columns, tokens, e + row, RowDot.GroupRows);
                }

                dot.RunGroup(m, rows[0].Length, quantized, columns, tokens, a, RowDot.GroupRows);
            }

            Assert.Equal(expected, actual);
        }
    }
}
