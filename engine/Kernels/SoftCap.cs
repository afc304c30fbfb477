using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Kernels;

internal static class SoftCap
{
    /// <summary>x = cap · tanh(x / cap), [count] of any length, in place; what is no number stays none. Source: Bello et al. 2016, as
    /// Gemma 2 has it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static unsafe void Apply(float* x, int count, float cap)
    {
        int whole = count / Lanes.Count * Lanes.Count;
        for (int i = 0; i < whole; i += Lanes.Count)
        {
            Capped(Vector512.Load(x + i), cap).Store(x + i);
        }

        for (int i = whole; i < count; i++)
        {
            x[i] = Capped(Vector512.Create(x[i]), cap)[0];
        }
    }

    private static Vector512<float> Capped(Vector512<float> x, float cap) => ExactMath.Tanh(x * Vector512.Create(1 / cap)) * Vector512.Create(cap);
}
