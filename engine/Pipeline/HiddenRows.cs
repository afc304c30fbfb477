using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace SmolCluster.Engine.Pipeline;

/// <summary>How hidden states cross from node to node.</summary>
public enum ActivationType
{
    /// <summary>As they are: the bits of one node.</summary>
    F32,

    /// <summary>Half the bytes, rounded: other bits than one node's, and so perhaps other words.</summary>
    F16,
}

/// <summary>Hidden states as bytes, little-endian.</summary>
internal static class HiddenRows
{
    private const float LargestHalf = 65504;

    /// <summary>Bytes of <paramref name="count"/> numbers.</summary>
    public static int Bytes(ActivationType type, int count) => count * (type == ActivationType.F16 ? sizeof(ushort) : sizeof(float));

    public static byte[] Write(ActivationType type, ReadOnlySpan<float> values)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(Bytes(type, values.Length));
        if (type == ActivationType.F32)
        {
            MemoryMarshal.AsBytes(values).CopyTo(bytes);
            return bytes;
        }

        Span<Half> halves = MemoryMarshal.Cast<byte, Half>(bytes.AsSpan());
        for (int i = 0; i < values.Length; i++)
        {
            // one number that is too large must not become infinite, and everything after it no number
            halves[i] = (Half)Math.Clamp(values[i], -LargestHalf, LargestHalf);
        }

        return bytes;
    }

    /// <exception cref="ArgumentException">They are not so many.</exception>
    public static void Read(ActivationType type, ReadOnlySpan<byte> bytes, Span<float> values)
    {
        if (bytes.Length != Bytes(type, values.Length))
        {
            throw new ArgumentException($"{bytes.Length} bytes of hidden states came; {values.Length} numbers in {type} are {Bytes(type, values.Length)}.", nameof(bytes));
        }

        if (type == ActivationType.F32)
        {
            bytes.CopyTo(MemoryMarshal.AsBytes(values));
        }
        else
        {
            TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(bytes), values);
        }
    }
}
