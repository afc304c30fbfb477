using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Tests.Models;

public sealed unsafe class ActivationRowsTests
{
    [Fact]
    public void Prepare_WidestRowIsNoMultipleOfTheReadersBlock_HasRoom()
    {
        // Sheared-LLaMA-1.3B: feed forward 5504 = 21.5 blocks of 256, beside matrices of 2048 columns in K formats
        using var rows = new ActivationRows(maxTokens: 3, maxColumns: 5504);
        using var weights = new NativeBuffer<byte>(144 * 8);
        using var source = new NativeBuffer<float>(2048);
        new Span<float>(source.Pointer, 2048).Fill(1);
        var matrix = new Matrix(GgmlType.Q4_K, weights.Pointer, rows: 1, columns: 2048, RowDot.For(GgmlType.Q4_K, Simd.Level));
        rows.Prepare(matrix);
        rows.Write(2, source.Pointer, matrix);
        Assert.Equal(127, ((sbyte*)rows.For(matrix).Rows + 2 * matrix.ActivationBytes)[2047]);
    }
}
