using System.Runtime.Intrinsics.X86;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Tests.Quantization;

/// <summary>Sixteen rows side by side against each row alone. The bodies for AVX-512 run here on any machine with AVX2, their 512-bit
/// operations in two halves.</summary>
public sealed unsafe class RowGroupTests
{
    private const string NoAvx2 = "This machine has no AVX2; its rows are multiplied one by one.";

    public static TheoryData<GgmlType> Types =>
        [.. RandomBlocks.Types.Where(static type => RowFormat.Of<ScalarTileDot, NoGroupDot>(type).Layout.BlockBytes > 0)];

    [Theory]
    [MemberData(nameof(Types))]
    public void RunGroup_Avx2_GivesEachRowsBits(GgmlType type) => AssertEachRowsBits<Avx2GroupDot>(type);

    [Theory]
    [MemberData(nameof(Types))]
    public void RunGroup_Avx512_GivesEachRowsBits(GgmlType type) => AssertEachRowsBits<Avx512GroupDot>(type);

    [Theory]
    [MemberData(nameof(Types))]
    public void Pack_AnyType_PermutesTheBytes(GgmlType type)
    {
        int bytes = RandomBlocks.Format(type).Bytes;
        byte[] rows = [.. Enumerable.Range(0, 16).SelectMany(row => RandomBlocks.Row(type, 256, row)[..bytes])], group = new byte[rows.Length];
        GroupLayout layout = RowFormat.Of<ScalarTileDot, NoGroupDot>(type).Layout;
        fixed (byte* from = rows, to = group)
        {
            layout.Pack(from, bytes, to);
        }

        Assert.Equal(bytes, layout.BlockBytes);
        Assert.Equal(rows.Order(), group.Order());
        Assert.NotEqual(rows, group);
    }

    [Theory]
    [InlineData(GgmlType.F32)]
    [InlineData(GgmlType.F16)]
    [InlineData(GgmlType.BF16)]
    public void RunGroup_Floats_GivesEachRowsBits(GgmlType type)
    {
        Assert.SkipUnless(Avx2.IsSupported && Fma.IsSupported, NoAvx2);
        RowFormat format = RowFormat.Of<Avx2TileDot, Avx2GroupDot>(type);
        foreach ((int columns, int tokens) in new[] { (16, 1), (256, 2), (272, 3), (1280, 8), (768, 13), (256, 130) })
        {
            AssertEachRowsBits(format, type, columns, tokens);
        }
    }

    [Fact]
    public void Layouts_EveryQuantizedType_CoverItsBlock() => Assert.Equal(
        RandomBlocks.Types.Where(static type => RandomBlocks.Format(type).Length > 1), Types.Select(static row => row.Data));

    [Theory]
    [MemberData(nameof(Types))]
    public void RunTwo_Avx2_GivesEachRowsBits(GgmlType type) => AssertTwoGroupsBits<Avx2GroupDot>(type);

    [Theory]
    [MemberData(nameof(Types))]
    public void RunTwo_Avx512_GivesEachRowsBits(GgmlType type) => AssertTwoGroupsBits<Avx512GroupDot>(type);

    [Theory]
    [InlineData(GgmlType.F32)]
    [InlineData(GgmlType.F16)]
    [InlineData(GgmlType.BF16)]
    public void RunTwo_Floats_GivesEachRowsBits(GgmlType type)
    {
        Assert.SkipUnless(Avx2.IsSupported && Fma.IsSupported, NoAvx2);
        RowFormat format = RowFormat.Of<Avx2TileDot, Avx2GroupDot>(type);
        foreach (int columns in new[] { 16, 256, 272, 1280 })
        {
            byte[] one = RandomBlocks.Row(type, columns, 1), two = RandomBlocks.Row(type, columns, 2);
            float[] expected = new float[2], actual = new float[2];
            fixed (byte* first = one, second = two)
            fixed (float* token = RandomBlocks.Activations(columns, 1, 3), e = expected, a = actual)
            {
                format.Run(first, (byte*)token, columns, 1, e, 1);
                format.Run(second, (byte*)token, columns, 1, e + 1, 1);
                format.RunTwo(first, second, (byte*)token, columns, a, a + 1);
            }

            Assert.Equal(expected, actual);
        }
    }

    private static void AssertTwoGroupsBits<TGroup>(GgmlType type)
        where TGroup : struct, IGroupDot
    {
        Assert.SkipUnless(Avx2.IsSupported && Fma.IsSupported, NoAvx2);
        RowFormat format = RowFormat.Of<ScalarTileDot, TGroup>(type);
        int[] lengths = RandomBlocks.Format(type).Length == 32 ? [32, 256, 288, 1280] : [256, 1280];
        foreach (int columns in lengths)
        {
            byte[] rows = [.. Enumerable.Range(0, 2 * GroupLayout.Rows).SelectMany(i => RandomBlocks.Row(type, columns, 100 + i))], groups = new byte[rows.Length];
            int rowBytes = rows.Length / (2 * GroupLayout.Rows), half = rows.Length / 2;
            byte[] token = new byte[Activations.RowBytes(format.Activation, columns)];
            float[] expected = new float[2 * GroupLayout.Rows], actual = new float[expected.Length];
            fixed (byte* r = rows, g = groups, t = token)
            fixed (float* v = RandomBlocks.Activations(columns, 1, 3), e = expected, a = actual)
            {
                Activations.Quantize(format.Activation, v, columns, t);
                for (int row = 0; row < expected.Length; row++)
                {
                    format.Run(r + row * rowBytes, t, columns, 1, e + row, 1);
                }

                for (int at = 0; at < rowBytes; at += format.Layout.BlockBytes)
                {
                    format.Layout.Pack(r + at, rowBytes, g + GroupLayout.Rows * at);
                    format.Layout.Pack(r + half + at, rowBytes, g + half + GroupLayout.Rows * at);
                }

                format.RunTwo(g, g + half, t, columns, a, a + GroupLayout.Rows);
            }

            Assert.Equal(expected, actual);
        }
    }

    private static void AssertEachRowsBits<TGroup>(GgmlType type)
        where TGroup : struct, IGroupDot
    {
        Assert.SkipUnless(Avx2.IsSupported && Fma.IsSupported, NoAvx2);
        RowFormat format = RowFormat.Of<ScalarTileDot, TGroup>(type);
        foreach ((int columns, int tokens) in new[] { (256, 1), (512, 2), (512, 5), (1280, 8), (768, 13), (256, 130) })
        {
            AssertEachRowsBits(format, type, columns, tokens);
        }

        if (RandomBlocks.Format(type).Length == 32)
        {
            AssertEachRowsBits(format, type, 32, 3);
            AssertEachRowsBits(format, type, 288, 9);
        }
    }

    private static void AssertEachRowsBits(RowFormat format, GgmlType type, int columns, int tokens)
    {
        byte[] matrix = [.. Enumerable.Range(0, GroupLayout.Rows).SelectMany(i => RandomBlocks.Row(type, columns, 100 + i))], groups = new byte[matrix.Length];
        int rowBytes = matrix.Length / GroupLayout.Rows, tokenBytes = Activations.RowBytes(format.Activation, columns), block = format.Layout.BlockBytes;
        byte[] activations = new byte[tokens * tokenBytes], octets = new byte[Octets.Bytes(format.Activation, columns, tokens) + 64];
        float[] values = RandomBlocks.Activations(columns, tokens, 3);
        float[] expected = new float[tokens * GroupLayout.Rows], asTheyLie = new float[expected.Length], sideBySide = new float[expected.Length];
        fixed (float* v = values, e = expected, a = asTheyLie, s = sideBySide)
        fixed (byte* quantized = activations, laid = octets, m = matrix, g = groups)
        {
            for (int t = 0; t < tokens; t++)
            {
                Activations.Quantize(format.Activation, v + t * columns, columns, quantized + t * tokenBytes);
            }

            for (int octet = 0; block > 0 && octet < Octets.Count(tokens); octet++)
            {
                Octets.Lay(format.Activation, octet, tokens, quantized, columns, laid);
            }

            TokenRows read = new(quantized, block > 0 ? laid : null, Octets.Count(tokens) * Octets.RecordBytes(format.Activation));
            for (int row = 0; row < GroupLayout.Rows; row++)
            {
                format.Run(m + row * rowBytes, quantized, columns, tokens, e + row, GroupLayout.Rows);
            }

            for (int at = 0; block > 0 && at < rowBytes; at += block)
            {
                format.Layout.Pack(m + at, rowBytes, g + GroupLayout.Rows * at);
            }

            format.RunGroup(m, rowBytes, read, columns, tokens, a, GroupLayout.Rows);
            if (block > 0)
            {
                format.RunGroup(g, 0, read, columns, tokens, s, GroupLayout.Rows);
                Assert.Equal(expected, sideBySide);
            }
        }

        Assert.Equal(expected, asTheyLie);
    }
}
