using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Kernels;

internal static class RmsNorm
{
    /// <summary>destination = x / rms(x) · weight, all [count], count a multiple of 16. Source: Zhang and Sennrich 2019.
    /// <paramref name="destination"/> may be <paramref name="x"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static unsafe void Apply(float* x, float* weight, float epsilon, int count, float* destination)
    {
        float meanSquare = Lanes.Dot(x, x, count) / count;
        Vector512<float> scale = Vector512.Create(1 / MathF.Sqrt(meanSquare + epsilon));
        for (int i = 0; i < count; i += Lanes.Count)
        {
            (Vector512.Load(x + i) * scale * Vector512.Load(weight + i)).Store(destination + i);
        }
    }
}
