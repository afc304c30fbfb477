using System.Runtime.Intrinsics;
using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Caching;

internal static unsafe class KvWriter
{
    /// <summary>Stores one token's keys and values of one layer, each [kv heads][head length], at a reserved position.</summary>
    public static void Store(KvSequence sequence, int layer, int position, float* keys, float* values)
    {
        KvLayout layout = sequence.Pool.Layout;
        byte* page = sequence.Page(position / KvLayout.PageLength);
        int row = position % KvLayout.PageLength * layout.HeadLength;
        for (int head = 0; head < layout.HeadCount; head++)
        {
            Store(layout, page + layout.KeyOffset(layer, head), row, keys + head * layout.HeadLength);
            Store(layout, page + layout.ValueOffset(layer, head), row, values + head * layout.HeadLength);
        }
    }

    private static void Store(KvLayout layout, byte* head, int row, float* source)
    {
        for (int i = 0; i < layout.HeadLength; i += Lanes.Count)
        {
            Vector512<float> lanes = Vector512.Load(source + i);
            if (layout.Type == KvType.F16)
            {
                HalfFloats.Store(lanes, (ushort*)head + row + i);
            }
            else
            {
                lanes.Store((float*)head + row + i);
            }
        }
    }
}
