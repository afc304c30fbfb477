using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Kernels;

internal static class SwiGlu
{
    /// <summary>gate = gate · sigmoid(gate) · up, both [count], count a multiple of 16. Source: Shazeer 2020.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static unsafe void Apply(float* gate, float* up, int count)
    {
        for (int i = 0; i < count; i += Lanes.Count)
        {
            Vector512<float> g = Vector512.Load(gate + i);
            Vector512<float> silu = g / (Vector512<float>.One + ExactMath.Exp(-g));
            (silu * Vector512.Load(up + i)).Store(gate + i);
        }
    }
}
