using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Models;

/// <summary>One token's vector in every format that its readers want: quantized once a format, shared by the matrices of it. Room for
/// the same in octets, which <see cref="MatMul"/> lays when all tokens are written.</summary>
internal sealed unsafe class ActivationRows(int maxTokens, int maxColumns) : IDisposable
{
    private static readonly int FormatCount = Enum.GetValues<ActivationFormat>().Length;

    private readonly NativeBuffer<byte>?[] _rows = new NativeBuffer<byte>?[FormatCount], _octets = new NativeBuffer<byte>?[FormatCount];

    /// <summary>Makes room for the formats of these matrices; call before any token of a step is written.</summary>
    public void Prepare(params ReadOnlySpan<Matrix> readers)
    {
        foreach (Matrix reader in readers)
        {
            ActivationFormat format = reader.Dot.Activation;
            _rows[(int)format] ??= new NativeBuffer<byte>((long)maxTokens * Activations.RowBytes(format, Activations.Padded(maxColumns)));
            if (reader.ReadsOctets)
            {
                _octets[(int)format] ??= new NativeBuffer<byte>(Octets.Bytes(format, maxColumns, maxTokens));
            }
        }
    }

    /// <summary>Quantizes one token's vector for each matrix that reads it.</summary>
    public void Write(int token, float* source, params ReadOnlySpan<Matrix> readers)
    {
        int written = 0;
        foreach (Matrix reader in readers)
        {
            int bit = 1 << (int)reader.Dot.Activation;
            if ((written & bit) == 0)
            {
                written |= bit;
                Activations.Quantize(reader.Dot.Activation, source, reader.Columns, For(reader).Rows + (long)token * reader.ActivationBytes);
            }
        }
    }

    /// <summary>[tokens] rows in the format that a matrix reads.</summary>
    public ActivationBuffers For(Matrix reader)
    {
        NativeBuffer<byte>? octets = reader.ReadsOctets ? _octets[(int)reader.Dot.Activation] : null;
        return new(_rows[(int)reader.Dot.Activation]!.Pointer, octets is null ? null : octets.Pointer);
    }

    public void Dispose()
    {
        foreach (NativeBuffer<byte>? rows in _rows.Concat(_octets))
        {
            rows?.Dispose();
        }
    }
}
