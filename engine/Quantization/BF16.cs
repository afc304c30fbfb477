using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>The upper 16 bits of a single.</summary>
internal readonly unsafe struct BF16 : IFloatFormat
{
    public static int Bytes => sizeof(ushort);

    public static float* Unpack(byte* source, int count, float* tile)
    {
        var uppers = (ushort*)source;
        var i = 0;
        for (; i <= count - 8; i += 8)
        {
            var (low, high) = Vector128.Widen(Vector128.Load(uppers + i));
            (low << 16).AsSingle().Store(tile + i);
            (high << 16).AsSingle().Store(tile + i + 4);
        }

        for (; i < count; i++)
            tile[i] = BitConverter.Int32BitsToSingle(uppers[i] << 16);
        return tile;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* source, out Vector256<float> low, out Vector256<float> high, ref Vector256<ushort> unusual)
    {
        (Vector256<uint> first, Vector256<uint> last) = Vector256.Widen(Vector256.Load((ushort*)source));
        low = (first << 16).AsSingle();
        high = (last << 16).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadWide(byte* source) => (WideMath.Widen(Vector256.Load((short*)source)) << 16).AsSingle();
}
