using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Kernels;

internal static class GeGlu
{
    private const float TwiceRootOf2OverPi = 1.5957691f, Cubic = 0.044715f;

    /// <summary>gate = gelu(gate) · up in the form with tanh, both [count], count a multiple of 16. Since (1 + tanh u) / 2 is the sigmoid
    /// of 2u, it is gate · sigmoid(2u) · up with u = √(2/π) · (gate + 0.044715 · gate³). Source: Hendrycks and Gimpel 2016; Shazeer 2020.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static unsafe void Apply(float* gate, float* up, int count)
    {
        for (int i = 0; i < count; i += Lanes.Count)
        {
            Vector512<float> g = Vector512.Load(gate + i);
            Vector512<float> inner = Vector512.FusedMultiplyAdd(g * g, Vector512.Create(Cubic), Vector512<float>.One);
            Vector512<float> gelu = g / (Vector512<float>.One + ExactMath.Exp(g * Vector512.Create(-TwiceRootOf2OverPi) * inner));
            (gelu * Vector512.Load(up + i)).Store(gate + i);
        }
    }
}
