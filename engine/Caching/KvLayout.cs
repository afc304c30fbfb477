using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Caching;

public enum KvType { F16, F32 }

/// <summary>
/// Where keys and values lie in a page. A page holds <see cref="PageLength"/> consecutive positions of one sequence for all
/// layers: [layer][key, value][kv head], keys as [head length][position], values as [position][head length]: attention takes
/// sixteen positions' scores or sixteen columns of the result in one register. Attention folds whole pages in order; the page length is therefore part of the numerics contract.
/// </summary>
public sealed class KvLayout
{
    /// <summary>Positions a page.</summary>
    public const int PageLength = 64;

    public KvLayout(ModelConfig config, KvType type)
    {
        Type = type;
        HeadLength = config.HeadLength;
        HeadBytes = (long)PageLength * config.HeadLength * (type == KvType.F16 ? sizeof(ushort) : sizeof(float));
        HeadCount = config.HeadCountKv;
        PageBytes = checked(HeadBytes * config.HeadCountKv * 2 * config.BlockCount);
    }

    public KvType Type { get; }

    public int HeadLength { get; }

    public int HeadCount { get; }

    /// <summary>Bytes of one head's keys (or values) in a page.</summary>
    public long HeadBytes { get; }

    public long PageBytes { get; }

    /// <summary>Byte offset of a head's keys in a page; its values follow HeadCount heads later.</summary>
    public long KeyOffset(int layer, int head) => ((long)layer * 2 * HeadCount + head) * HeadBytes;

    public long ValueOffset(int layer, int head) => (((long)layer * 2 + 1) * HeadCount + head) * HeadBytes;

    /// <summary>Pages that hold <paramref name="positions"/> positions.</summary>
    public static int Pages(int positions) => (positions + PageLength - 1) / PageLength;
}
