using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Tests.Kernels;

public sealed unsafe class SoftCapTests
{
    [Theory]
    [InlineData(30)]
    [InlineData(50)]
    [InlineData(2)]
    public void Apply_AnyLength_AgreesWithTheLibraryAndItself(float cap)
    {
        float[] values = [.. Enumerable.Range(-2000, 4003).Select(static i => i * MathF.Abs(i) / 20_000f)], whole = Capped(values, cap);
        for (int i = 0; i < values.Length; i++)
        {
            double expected = cap * Math.Tanh((double)values[i] / cap);
            Assert.Equal(expected, whole[i], 4e-7 * Math.Abs(expected) + 1e-30);
        }

        // where a value lies changes no bit
        Assert.Equal(whole[5..], Capped(values[5..], cap));
        Assert.Equal(whole[..7], Capped(values[..7], cap));
    }

    [Fact]
    public void Apply_Extremes_AreBoundedAndNoNumberStaysNone() =>
        Assert.Equal([0, 30, -30, 30, -30, float.NaN], Capped([0, 1e9f, -1e9f, float.PositiveInfinity, float.NegativeInfinity, float.NaN], 30));

    private static float[] Capped(float[] values, float cap)
    {
        float[] copy = [.. values];
        fixed (float* x = copy)
            SoftCap.Apply(x, copy.Length, cap);
        return copy;
    }
}
