using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Models;

/// <summary>A weight matrix as it lies in the mapped file, [rows][columns], and the kernel that multiplies one of its rows.</summary>
internal sealed unsafe class Matrix
{
    public Matrix(GgmlType type, byte* data, int rows, int columns, RowDot dot)
    {
        BlockFormat.TryGet(type, out BlockFormat format);
        Type = type;
        Data = data;
        Rows = rows;
        Columns = columns;
        RowBytes = (long)columns / format.Length * format.Bytes;
        Dot = dot;
        ActivationBytes = Activations.RowBytes(dot.Activation, columns);
    }

    public GgmlType Type { get; }

    public byte* Data { get; }

    public int Rows { get; }

    public int Columns { get; }

    public long RowBytes { get; }

    public RowDot Dot { get; }

    /// <summary>Bytes of one token's activations in the format <see cref="Dot"/> reads.</summary>
    public int ActivationBytes { get; }
}
