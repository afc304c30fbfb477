using System.Runtime.Intrinsics;
using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Tests.Kernels;

public sealed class ExactMathTests
{
    [Fact]
    public void Exp_WholeRange_WithinTwoUlp()
    {
        for (float x = -87; x < 88; x += 0.0137f)
        {
            float expected = (float)Math.Exp(x);
            Assert.InRange(ExactMath.Exp(x), expected * (1 - 2.4e-7f), expected * (1 + 2.4e-7f));
        }
    }

    [Theory]
    [InlineData(0f, 1f)]
    [InlineData(-1000f, 0f)]
    [InlineData(float.NegativeInfinity, 0f)]
    public void Exp_Edge_IsExact(float x, float expected) => Assert.Equal(expected, ExactMath.Exp(x));

    [Fact]
    public void Exp_TooLarge_StaysFinite() => Assert.True(float.IsFinite(ExactMath.Exp(1e9f)));

    [Fact]
    public void Exp_EachLane_SameBitsAsAlone()
    {
        Vector512<float> x = Vector512.Create([-80f, -10, -1, -0.5f, -0.1f, 0, 0.1f, 0.5f, 1, 2, 3, 10, 30, 60, 80, 88f]);
        for (int lane = 0; lane < 16; lane++)
        {
            Assert.Equal(ExactMath.Exp(x[lane]), ExactMath.Exp(x)[lane]);
        }
    }

    [Fact]
    public void ExpLogPow_Double_AgreeWithTheLibrary()
    {
        for (double x = 0.001; x < 1e7; x *= 1.37)
        {
            Assert.Equal(Math.Log(x), ExactMath.Log(x), 1e-13);
            Assert.Equal(1, ExactMath.Pow(x, -0.37) / Math.Pow(x, -0.37), 1e-13);
            Assert.Equal(1, ExactMath.Exp(Math.Log(x)) / x, 1e-13);
        }
    }

    [Fact]
    public void SinCos_UpToLongContexts_AgreeWithTheLibrary()
    {
        for (double angle = 0; angle < 131072; angle += 7.77)
        {
            (double sin, double cos) = ExactMath.SinCos(angle);
            Assert.Equal(Math.Sin(angle), sin, 1e-14);
            Assert.Equal(Math.Cos(angle), cos, 1e-14);
        }
    }
}
