using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Caching;

internal static unsafe class KvWriter
{
    /// <summary>Stores one token's keys and values of one layer, each [kv heads][head length], at a reserved position. Called for
    /// several positions of a page at once.</summary>
    public static void Store(KvSequence sequence, int layer, int position, float* keys, float* values)
    {
        KvLayout layout = sequence.Pool.Layout;
        KvPage page = sequence.WritablePage(position / KvLayout.PageLength);
        int slot = position % KvLayout.PageLength;
        if (layout.Type == KvType.F16 && !(AreNumbers(keys, layout) && AreNumbers(values, layout)))
        {
            page.HoldsNoNumber = true;
        }

        for (int head = 0; head < layout.HeadCount; head++)
        {
            // a column of [head length][position], a row of [position][head length]
            Store(layout, page.Data + layout.KeyOffset(layer, head), slot, KvLayout.PageLength, keys + head * layout.HeadLength);
            Store(layout, page.Data + layout.ValueOffset(layer, head), slot * layout.HeadLength, 1, values + head * layout.HeadLength);
        }
    }

    /// <summary>One head's numbers to the cells <paramref name="first"/>, first + <paramref name="stride"/> and so on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store(KvLayout layout, byte* cells, int first, int stride, float* source)
    {
        switch (layout.Type)
        {
            case KvType.F32:
                for (int i = 0; i < layout.HeadLength; i++)
                {
                    ((float*)cells)[first + i * stride] = source[i];
                }

                break;
            case KvType.F16:
                StoreHalves((ushort*)cells + first, stride, layout.HeadLength, source);
                break;
            default:
                // scales lie as the cells do, one for every 32 of them along the head
                ushort* scales = (ushort*)(cells + KvLayout.PageLength * layout.HeadLength) + (stride == 1 ? first / KvLayout.BlockLength : first);
                StoreBlocks((sbyte*)cells + first, scales, stride, layout.HeadLength, source);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreHalves(ushort* cells, int stride, int count, float* source)
    {
        ushort* halves = stackalloc ushort[Lanes.Count];
        for (int i = 0; i < count; i += Lanes.Count)
        {
            HalfFloats.Store(Vector512.Load(source + i), halves);
            for (int lane = 0; lane < Lanes.Count; lane++)
            {
                cells[(i + lane) * stride] = halves[lane];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreBlocks(sbyte* cells, ushort* scales, int stride, int count, float* source)
    {
        int* whole = stackalloc int[KvLayout.BlockLength];
        for (int i = 0; i < count; i += KvLayout.BlockLength)
        {
            scales[i / KvLayout.BlockLength * stride] = Q8_0Cells.Round(source + i, whole);
            for (int k = 0; k < KvLayout.BlockLength; k++)
            {
                cells[(i + k) * stride] = (sbyte)whole[k];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool AreNumbers(float* source, KvLayout layout)
    {
        for (int i = 0; i < layout.HeadCount * layout.HeadLength; i += Lanes.Count)
        {
            Vector512<float> lanes = Vector512.Load(source + i);
            if (!Vector512.EqualsAll(lanes, lanes))
            {
                return false;
            }
        }

        return true;
    }
}
