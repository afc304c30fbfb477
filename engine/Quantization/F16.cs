using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization;

/// <summary>IEEE half precision.</summary>
internal readonly unsafe struct F16 : IFloatFormat
{
    public static int Bytes => sizeof(ushort);

    public static float* Unpack(byte* source, int count, float* tile)
    {
        var halves = (ushort*)source;
        var i = 0;
        for (; i <= count - 8; i += 8)
            HalfBits.ToSingle(Vector128.Load(halves + i)).Store(tile + i);
        for (; i < count; i++)
            tile[i] = HalfBits.ToSingle(halves[i]);
        return tile;
    }
}
