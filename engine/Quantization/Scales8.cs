using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>The half-float scales of eight consecutive blocks.</summary>
internal static unsafe class Scales8
{
    /// <param name="first">The first block's scale.</param>
    /// <param name="step">Bytes from one block to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* first, int step) => HalfBits.ToSingle(Vector128.Create(
        *(ushort*)first,
        *(ushort*)(first + step),
        *(ushort*)(first + (2 * step)),
        *(ushort*)(first + (3 * step)),
        *(ushort*)(first + (4 * step)),
        *(ushort*)(first + (5 * step)),
        *(ushort*)(first + (6 * step)),
        *(ushort*)(first + (7 * step))));
}
