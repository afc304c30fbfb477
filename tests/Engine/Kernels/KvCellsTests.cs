using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Tests.Kernels;

public sealed unsafe class KvCellsTests
{
    [Fact]
    public void F16_EveryHalf_ReadsAsHalfFloatsDoes()
    {
        ushort* halves = stackalloc ushort[16];
        for (int start = 0; start < 65536; start += 16)
        {
            for (int i = 0; i < 16; i++)
            {
                halves[i] = (ushort)(start + i);
            }

            for (int i = 0; i < 16; i++)
            {
                float expected = HalfFloats.Load(halves)[i];
                float careful = F16OrNoNumberCells.Load((byte*)halves, i / 8 * 8)[i % 8];
                float quick = F16Cells.Load((byte*)halves, i / 8 * 8)[i % 8];
                Assert.Equal(float.IsNaN(expected), float.IsNaN(careful));
                if (!float.IsNaN(expected))
                {
                    Assert.Equal(BitConverter.SingleToUInt32Bits(expected), BitConverter.SingleToUInt32Bits(careful));
                    Assert.Equal(BitConverter.SingleToUInt32Bits(expected), BitConverter.SingleToUInt32Bits(quick));
                    if (Avx512F.IsSupported)
                    {
                        Assert.Equal(BitConverter.SingleToUInt32Bits(expected), BitConverter.SingleToUInt32Bits(F16Cells.LoadWide((byte*)halves, 0)[i]));
                    }
                }
            }
        }
    }

    [Fact]
    public void Q8_0_RandomBlocks_RoundAsDotNet()
    {
        var random = new Random(3);
        float* block = stackalloc float[32];
        int* whole = stackalloc int[32];
        for (int round = 0; round < 5000; round++)
        {
            float size = MathF.Pow(10, random.Next(-9, 8));
            for (int i = 0; i < 32; i++)
            {
                block[i] = round % 7 == 0 ? 0 : (float)(random.NextDouble() * 2 - 1) * size;
            }

            var scale = (Half)(new Span<float>(block, 32).ToArray().Max(MathF.Abs) / 127);
            Assert.Equal(BitConverter.HalfToUInt16Bits(scale), Q8_0Cells.Round(block, whole));
            float divisor = Half.IsInfinity(scale) ? 65536 : (float)scale;
            for (int i = 0; i < 32; i++)
            {
                Assert.Equal(divisor == 0 ? 0 : (int)Math.Clamp(MathF.Round(block[i] / divisor), -127, 127), whole[i]);
            }
        }
    }

    [Fact]
    public void Q8_0_NoNumber_SpoilsItsBlockAndKeepsNoBitsOfIt()
    {
        float* block = stackalloc float[32];
        int* whole = stackalloc int[32];
        new Span<float>(block, 32).Fill(1);
        block[17] = float.NaN;
        ushort scale = Q8_0Cells.Round(block, whole);
        Assert.True(Half.IsNaN(BitConverter.UInt16BitsToHalf(scale)));
        Assert.Equal(new int[32], new Span<int>(whole, 32).ToArray());
        new Span<float>(block, 32).Fill(float.PositiveInfinity);
        Q8_0Cells.Round(block, whole);
        Assert.Equal(127, whole[5]);
    }

    [Fact]
    public void Q8_0_EveryByte_ReadsAsItself()
    {
        sbyte* cells = stackalloc sbyte[256];
        for (int i = 0; i < 256; i++)
        {
            cells[i] = (sbyte)i;
        }

        for (int i = 0; i < 256; i += 8)
        {
            Vector256<float> eight = Q8_0Cells.Load((byte*)cells, i);
            Assert.All(Enumerable.Range(0, 8), lane => Assert.Equal((sbyte)(i + lane), eight[lane]));
        }
    }
}
