using System.Runtime.Intrinsics.X86;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Quantization;
using RandomBlocks = SmolCluster.Engine.Tests.Quantization.RandomBlocks;

namespace SmolCluster.Engine.Tests.Kernels;

public sealed unsafe class MatMulTests
{
    private const int Columns = 512;

    [Theory]
    [InlineData(GgmlType.Q4_K, 16, 1)]
    [InlineData(GgmlType.Q4_K, 16, 2)]
    [InlineData(GgmlType.Q4_K, 32, 2)]
    [InlineData(GgmlType.Q4_K, 48, 1)]
    [InlineData(GgmlType.Q8_0, 208, 2)]
    [InlineData(GgmlType.Q4_K, 208, 3)]
    [InlineData(GgmlType.F16, 48, 2)]
    [InlineData(GgmlType.F16, 208, 3)]
    public void Run_OneToken_GivesEachRowsBits(GgmlType type, int rows, int threads)
    {
        Assert.SkipUnless(Avx2.IsSupported && Fma.IsSupported, "This machine has no AVX2; its rows are multiplied one by one.");
        RowDot dot = RowDot.For(type, Simd.Level);
        GroupLayout layout = RowDot.Layout(type);
        byte[] matrix = [.. Enumerable.Range(0, rows).SelectMany(i => RandomBlocks.Row(type, Columns, i))], groups = new byte[matrix.Length];
        int rowBytes = matrix.Length / rows;
        byte[] token = new byte[Activations.RowBytes(dot.Activation, Columns)];
        float[] expected = new float[rows], actual = new float[rows];
        fixed (byte* m = matrix, g = groups, t = token)
        fixed (float* v = RandomBlocks.Activations(Columns, 1, 3), e = expected, a = actual)
        {
            Activations.Quantize(dot.Activation, v, Columns, t);
            for (int first = 0; layout.BlockBytes > 0 && first < rows; first += GroupLayout.Rows)
            {
                for (int at = 0; at < rowBytes; at += layout.BlockBytes)
                {
                    layout.Pack(m + first * rowBytes + at, rowBytes, g + first * rowBytes + GroupLayout.Rows * at);
                }
            }

            for (int row = 0; row < rows; row++)
            {
                dot.Run(m + row * rowBytes, t, Columns, 1, e + row, 1);
            }

            using var team = new ThreadTeam(threads);
            MatMul.Run(team, 1, new MatMul.Product(new Matrix(type, m, rows, Columns, dot, layout.BlockBytes > 0 ? g : null), new ActivationBuffers(t, null), a, rows));
        }

        Assert.Equal(expected, actual);
    }
}
