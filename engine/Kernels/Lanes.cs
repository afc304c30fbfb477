using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Kernels;

/// <summary>
/// The one order in which this engine adds floats: sixteen lanes, element i in lane i mod 16, folded 8 + 8, 4 + 4, 2 + 2,
/// 1 + 1. A <see cref="Vector512{T}"/> of floats is one AVX-512 register, two AVX2, four NEON or sixteen scalars: every
/// operation used is exactly rounded element by element, so all machines give the same bits.
/// </summary>
internal static class Lanes
{
    public const int Count = 16;

    /// <summary>0 to 15, each in its lane.</summary>
    public static Vector512<float> Indices => Vector512.Create(0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

    /// <summary>The largest lane; no number, where one lane is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector512<float> lanes)
    {
        Vector256<float> eight = Vector256.Max(lanes.GetLower(), lanes.GetUpper());
        Vector128<float> four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        return MathF.Max(MathF.Max(four[0], four[2]), MathF.Max(four[1], four[3]));
    }

    /// <summary>The sum of all lanes by the fixed tree.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Fold(Vector512<float> lanes)
    {
        Vector256<float> eight = lanes.GetLower() + lanes.GetUpper();
        Vector128<float> four = eight.GetLower() + eight.GetUpper();
        float a = four[0] + four[2];
        float b = four[1] + four[3];
        return a + b;
    }

    /// <summary>Sum of a[i]·b[i]; <paramref name="count"/> is a multiple of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe float Dot(float* a, float* b, int count)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        for (int i = 0; i < count; i += Count)
        {
            sum = Vector512.FusedMultiplyAdd(Vector512.Load(a + i), Vector512.Load(b + i), sum);
        }

        return Fold(sum);
    }

    /// <summary>x[i] = x[i] · factor; <paramref name="count"/> is a multiple of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static unsafe void Scale(float* x, float factor, int count)
    {
        for (int i = 0; i < count; i += Count)
        {
            (Vector512.Load(x + i) * factor).Store(x + i);
        }
    }

    /// <summary>destination[i] += source[i] · factor, fused; <paramref name="count"/> is a multiple of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void AddScaled(float* destination, float* source, float factor, int count)
    {
        Vector512<float> f = Vector512.Create(factor);
        for (int i = 0; i < count; i += Count)
        {
            Vector512.FusedMultiplyAdd(Vector512.Load(source + i), f, Vector512.Load(destination + i)).Store(destination + i);
        }
    }
}
