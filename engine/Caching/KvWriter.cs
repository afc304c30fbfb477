using System.Runtime.Intrinsics;
using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Caching;

internal static unsafe class KvWriter
{
    /// <summary>Stores one token's keys and values of one layer, each [kv heads][head length], at a reserved position.</summary>
    public static void Store(KvSequence sequence, int layer, int position, float* keys, float* values)
    {
        KvLayout layout = sequence.Pool.Layout;
        byte* page = sequence.WritablePage(position / KvLayout.PageLength);
        int slot = position % KvLayout.PageLength;
        for (int head = 0; head < layout.HeadCount; head++)
        {
            StoreKey(layout, page + layout.KeyOffset(layer, head), slot, keys + head * layout.HeadLength);
            StoreValue(layout, page + layout.ValueOffset(layer, head), slot, values + head * layout.HeadLength);
        }
    }

    // a column of [head length][position]
    private static void StoreKey(KvLayout layout, byte* head, int slot, float* key)
    {
        ushort* halves = stackalloc ushort[Lanes.Count];
        for (int i = 0; i < layout.HeadLength; i++)
        {
            if (layout.Type == KvType.F32)
            {
                ((float*)head)[i * KvLayout.PageLength + slot] = key[i];
                continue;
            }

            if (i % Lanes.Count == 0)
            {
                HalfFloats.Store(Vector512.Load(key + i), halves);
            }

            ((ushort*)head)[i * KvLayout.PageLength + slot] = halves[i % Lanes.Count];
        }
    }

    // a row of [position][head length]
    private static void StoreValue(KvLayout layout, byte* head, int slot, float* value)
    {
        int row = slot * layout.HeadLength;
        for (int i = 0; i < layout.HeadLength; i += Lanes.Count)
        {
            Vector512<float> lanes = Vector512.Load(value + i);
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
