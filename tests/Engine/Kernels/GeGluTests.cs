using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Tests.Kernels;

public sealed unsafe class GeGluTests
{
    [Fact]
    public void Apply_WholeRange_AgreesWithTheFormula()
    {
        float[] gates = [.. Enumerable.Range(-800, 1600).Select(static i => i / 50f)], gate = [.. gates], up = [.. gates.Select(static g => 1.5f - g)];
        fixed (float* g = gate, u = up)
            GeGlu.Apply(g, u, gate.Length);
        for (int i = 0; i < gates.Length; i++)
        {
            double x = gates[i], gelu = 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x))));
            Assert.Equal(gelu * up[i], gate[i], 1e-6 + (1e-6 * Math.Abs(gelu * up[i])));
        }
    }

    [Fact]
    public void Apply_Extremes_StayWhatTheyAre()
    {
        float[] gate = [0, 1e9f, -1e9f, 1e30f, float.NaN, float.PositiveInfinity, .. new float[10]], up = [.. Enumerable.Repeat(2f, 16)];
        fixed (float* g = gate, u = up)
            GeGlu.Apply(g, u, 16);
        Assert.Equal([0, 2e9f], gate[..2]);
        Assert.InRange(gate[2], -1e-20f, 0);
        Assert.Equal([2e30f, float.NaN, float.PositiveInfinity], gate[3..6]);
    }
}
