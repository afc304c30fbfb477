using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Tests.Kernels;

public sealed unsafe class HalfFloatsTests
{
    [Fact]
    public void Load_EveryFiniteHalf_EqualsDotNet()
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
                Half expected = BitConverter.UInt16BitsToHalf(halves[i]);
                if (Half.IsFinite(expected))
                {
                    Assert.Equal(BitConverter.SingleToUInt32Bits((float)expected),
                        BitConverter.SingleToUInt32Bits(HalfFloats.Load(halves)[i]));
                }
            }
        }
    }

    [Fact]
    public void StoreAndLoad_NoNumber_StaysNone()
    {
        ushort* halves = stackalloc ushort[16];
        HalfFloats.Store(System.Runtime.Intrinsics.Vector512.Create(float.NaN), halves);
        Assert.True(float.IsNaN(HalfFloats.Load(halves)[3]));
        HalfFloats.Store(System.Runtime.Intrinsics.Vector512.Create(float.PositiveInfinity), halves);
        Assert.Equal(65536f, HalfFloats.Load(halves)[3]);
    }

    [Fact]
    public void Store_RandomAndHalfwayFloats_RoundAsDotNet()
    {
        var random = new Random(1);
        ushort* halves = stackalloc ushort[16];
        for (int i = 0; i < 200_000; i++)
        {
            uint bits = (uint)random.NextInt64(0x100000000);
            float value = (i % 3) switch
            {
                0 => BitConverter.UInt32BitsToSingle(bits),
                1 => BitConverter.UInt32BitsToSingle((bits & 0x8FFFE000) | 0x38001000),                            // ties
                _ => (float)BitConverter.UInt16BitsToHalf((ushort)bits) * (1 + random.Next(-3, 4) * 1.1920929e-7f), // near a half
            };
            if (float.IsNaN(value))
            {
                continue;
            }

            HalfFloats.Store(System.Runtime.Intrinsics.Vector512.Create(value), halves);
            Assert.Equal(BitConverter.HalfToUInt16Bits((Half)value), halves[i % 16]);
        }
    }
}
