using SmolCluster.Engine.Sampling;

namespace SmolCluster.Engine.Tests.Sampling;

public sealed class SamplingMathTests
{
    [Fact]
    public void Exp_ManyValues_IsWithinTwoUnitsOfTheLibrary()
    {
        Random random = new(1);
        for (int i = 0; i < 100_000; i++)
        {
            double x = -700 * Math.Pow(random.NextDouble(), 4);
            double expected = Math.Exp(x);
            Assert.InRange(SamplingMath.Exp(x), expected * (1 - 5e-16), expected * (1 + 5e-16));
        }
    }

    [Fact]
    public void Exp_SpecialValues_AreExact()
    {
        Assert.Equal(1, SamplingMath.Exp(0));
        Assert.Equal(1, SamplingMath.Exp(-0.0));
        Assert.Equal(0, SamplingMath.Exp(double.NegativeInfinity));
        Assert.Equal(0, SamplingMath.Exp(-700.0000001));
        Assert.True(SamplingMath.Exp(-700) > 0);
    }

    [Fact]
    public void Exp_Span_HasTheBitsOfTheScalar()
    {
        Random random = new(2);
        double[] values = new double[1003];
        for (int i = 0; i < values.Length; i++) values[i] = i % 50 == 0 ? double.NegativeInfinity : -800 * Math.Pow(random.NextDouble(), 3);
        double[] expected = Array.ConvertAll(values, SamplingMath.Exp);
        SamplingMath.Exp(values);
        Assert.Equal(expected, values);
    }

    [Fact]
    public void Exp_FixedValues_HasFixedBits()
    {
        // a change of these bits changes answers; the same operations in Python's doubles gave them
        Assert.Equal(4600298746774613816, BitConverter.DoubleToInt64Bits(SamplingMath.Exp(-1)));
        Assert.Equal(4526751318660336514, BitConverter.DoubleToInt64Bits(SamplingMath.Exp(-12.345)));
    }
}
