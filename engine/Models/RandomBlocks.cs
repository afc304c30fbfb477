using System.Buffers.Binary;
using System.Runtime.InteropServices;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Models;

/// <summary>Valid random blocks of one tensor type, of the magnitude that trained weights have. A pool of a prime number of
/// blocks is made once and read round and round: writing goes at the disk's speed, and no row length divides the period, so
/// rows of a matrix differ.</summary>
internal sealed class RandomBlocks
{
    private readonly byte[] pool;
    private readonly int blockBytes;

    public RandomBlocks(GgmlType type, ref SplitMix64 random)
    {
        if (!BlockFormat.TryGet(type, out BlockFormat format))
            throw new ArgumentOutOfRangeException(nameof(type), type, "The type has no known layout.");
        blockBytes = format.Bytes;
        int blocks = format.Length switch { 1 => 4_194_301, 32 => 524_287, _ => 65_521 };
        pool = new byte[blocks * format.Bytes];
        random.Fill(pool);
        for (int i = 0; i < blocks; i++)
            MakePlausible(type, pool.AsSpan(i * format.Bytes, format.Bytes));
    }

    /// <summary>Another view of the pool for each tensor.</summary>
    public GgufWriter.TensorFill From(ulong start)
    {
        long shift = (long)(start % (ulong)(pool.Length / blockBytes)) * blockBytes;
        return (chunk, offset) =>
        {
            for (int done = 0; done < chunk.Length;)
            {
                int at = (int)((shift + offset + done) % pool.Length);
                int length = Math.Min(chunk.Length - done, pool.Length - at);
                pool.AsSpan(at, length).CopyTo(chunk[done..]);
                done += length;
            }
        };
    }

    /// <summary>Quants stay random; scales are set so that weights centre on 0 with a deviation of about 0.02.</summary>
    private static void MakePlausible(GgmlType type, Span<byte> block)
    {
        float jitter = 0.75f + (block[0] / 510f);
        float uniform = (BinaryPrimitives.ReadUInt16LittleEndian(block) - 32_767.5f) * (0.035f / 32_768f);
        switch (type)
        {
            case GgmlType.F32: BinaryPrimitives.WriteSingleLittleEndian(block, uniform); break;
            case GgmlType.F16: SetHalf(block, 0, uniform); break;
            case GgmlType.BF16:
                BinaryPrimitives.WriteUInt16LittleEndian(block, (ushort)(BitConverter.SingleToUInt32Bits(uniform) >> 16));
                break;
            case GgmlType.Q4_0: SetHalf(block, 0, 0.0043f * jitter); break;
            case GgmlType.Q4_1: SetHalves(block, 0, 0.0043f * jitter, -7.5f); break;
            case GgmlType.Q5_0: SetHalf(block, 0, 0.0022f * jitter); break;
            case GgmlType.Q5_1: SetHalves(block, 0, 0.0022f * jitter, -15.5f); break;
            case GgmlType.Q8_0:
                block[2..].Replace((byte)0x80, (byte)0x81);  // -128 is never written by a quantizer
                SetHalf(block, 0, 0.00027f * jitter);
                break;
            case GgmlType.Q2_K: SetHalves(block, 80, 0.0018f * jitter, 1.5f); break;
            case GgmlType.Q3_K: SetHalf(block, 108, 0.00047f * jitter); break;
            case GgmlType.Q4_K: SetHalves(block, 0, 0.000065f * jitter, 7.5f); break;
            case GgmlType.Q5_K: SetHalves(block, 0, 0.000032f * jitter, 15.5f); break;
            case GgmlType.Q6_K: SetHalf(block, 208, 0.000015f * jitter); break;
            case GgmlType.IQ4_NL: SetHalf(block, 0, 0.00029f * jitter); break;
            case GgmlType.IQ4_XS: SetHalf(block, 0, 0.000016f * jitter); break;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, "No random blocks are known for the type.");
        }
    }

    private static void SetHalf(Span<byte> block, int at, float value) => BinaryPrimitives.WriteHalfLittleEndian(block[at..], (Half)value);

    /// <summary>A scale and, after it, the offset that centres its quants.</summary>
    private static void SetHalves(Span<byte> block, int at, float scale, float offset)
    {
        SetHalf(block, at, scale);
        SetHalf(block, at + 2, scale * offset);
    }
}

/// <summary>Steele, Lea and Flood's generator: the same numbers on every machine and in every .NET.</summary>
internal struct SplitMix64(ulong seed)
{
    private ulong state = seed;

    public ulong Next()
    {
        ulong z = state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    public void Fill(Span<byte> bytes)
    {
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ref ulong word in words)
            word = BitConverter.IsLittleEndian ? Next() : BinaryPrimitives.ReverseEndianness(Next());
        foreach (ref byte rest in bytes[(words.Length * 8)..])
            rest = (byte)Next();
    }
}
