using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Caching;

/// <summary>How the numbers of keys and values are kept. Q8_0: whole numbers of eight bits, with one F16 scale for each 32 along
/// the head's length.</summary>
public enum KvType { F16, F32, Q8_0 }

/// <summary>
/// Where keys and values lie in a page. A page holds <see cref="PageLength"/> consecutive positions of one sequence for all
/// layers that a node has: [layer][key, value][kv head], keys as [head length][position], values as [position][head length]: attention takes
/// sixteen positions' scores or sixteen columns of the result in one register. Scales of Q8_0 follow a head's numbers, of keys as
/// [head length / 32][position], of values as [position][head length / 32].
/// Attention folds whole pages in order; the page length is therefore part of the numerics contract.
/// </summary>
public sealed class KvLayout
{
    /// <summary>Positions a page.</summary>
    public const int PageLength = 64;

    /// <summary>Numbers that share a scale.</summary>
    public const int BlockLength = 32;

    /// <param name="config">The model's.</param>
    /// <param name="type">How its numbers are kept.</param>
    /// <param name="layers">That are here; null: all of the model's.</param>
    /// <exception cref="GgufException">The model's heads cannot be kept in this type.</exception>
    public KvLayout(ModelConfig config, KvType type, int? layers = null)
    {
        if (type == KvType.Q8_0 && config.HeadLength % BlockLength != 0)
        {
            throw new GgufException($"The model '{config.Name}' has heads of {config.HeadLength} numbers; keys and values in Q8_0 need a " +
                $"multiple of {BlockLength}. Keep them in F16 (--kv f16).");
        }

        Type = type;
        HeadLength = config.HeadLength;
        HeadBytes = Bytes(type, (long)PageLength * config.HeadLength);
        HeadCount = config.HeadCountKv;
        PageBytes = checked(HeadBytes * config.HeadCountKv * 2 * (layers ?? config.BlockCount));
    }

    public KvType Type { get; }

    public int HeadLength { get; }

    public int HeadCount { get; }

    /// <summary>Bytes of one head's keys (or values) in a page.</summary>
    public long HeadBytes { get; }

    public long PageBytes { get; }

    /// <summary>Byte offset of a head's keys in a page; its values follow HeadCount heads later. Layers count from the first one here.</summary>
    public long KeyOffset(int layer, int head) => ((long)layer * 2 * HeadCount + head) * HeadBytes;

    public long ValueOffset(int layer, int head) => (((long)layer * 2 + 1) * HeadCount + head) * HeadBytes;

    /// <summary>Pages that hold <paramref name="positions"/> positions.</summary>
    public static int Pages(int positions) => (positions + PageLength - 1) / PageLength;

    /// <summary>Bytes that so many numbers take, scales included.</summary>
    public static long Bytes(KvType type, long numbers) => type switch
    {
        KvType.F16 => numbers * sizeof(ushort),
        KvType.F32 => numbers * sizeof(float),
        _ => numbers + numbers / BlockLength * sizeof(ushort),
    };
}
