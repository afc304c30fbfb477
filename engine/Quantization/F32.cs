using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>IEEE single precision; used where it lies.</summary>
internal readonly unsafe struct F32 : IFloatFormat
{
    public static int Bytes => sizeof(float);

    public static float* Unpack(byte* source, int count, float* tile) => (float*)source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* source, out Vector256<float> low, out Vector256<float> high, ref Vector256<ushort> unusual)
    {
        low = Vector256.Load((float*)source);
        high = Vector256.Load((float*)source + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadWide(byte* source) => Vector512.Load((float*)source);
}
