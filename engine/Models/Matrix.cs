using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Models;

/// <summary>A weight matrix as it lies in the mapped file, [rows][columns], and the kernel that multiplies its rows.</summary>
internal sealed unsafe class Matrix
{
    public Matrix(GgmlType type, byte* data, int rows, int columns, RowDot dot, byte* groups = null)
    {
        BlockFormat.TryGet(type, out BlockFormat format);
        Type = type;
        Data = data;
        Rows = rows;
        Columns = columns;
        RowBytes = (long)columns / format.Length * format.Bytes;
        Dot = dot;
        CanGroup = dot.RunGroup != null && columns % 16 == 0;
        Groups = CanGroup ? groups : null;
        ActivationBytes = Activations.RowBytes(dot.Activation, columns);
    }

    public GgmlType Type { get; }

    public byte* Data { get; }

    /// <summary>The same matrix in groups of sixteen rows side by side, from a <see cref="RowTwin"/>; null: there is none.</summary>
    public byte* Groups { get; }

    /// <summary>What products read: <see cref="Groups"/>, or else <see cref="Data"/>.</summary>
    public byte* Source => Groups != null ? Groups : Data;

    /// <summary>Whether <see cref="Dot"/> takes sixteen rows at once.</summary>
    public bool CanGroup { get; }

    /// <summary>Whether several tokens are read in <see cref="Octets"/>.</summary>
    public bool ReadsOctets => CanGroup && Octets.RecordBytes(Dot.Activation) > 0;

    /// <summary>Whether one token takes it from two places at once, by <see cref="RowDot.RunTwo"/>: groups side by side, or rows of
    /// floats.</summary>
    public bool ReadsTwo => Groups != null || (CanGroup && !ReadsOctets);

    public int Rows { get; }

    public int Columns { get; }

    public long RowBytes { get; }

    public RowDot Dot { get; }

    /// <summary>Bytes of one token's activations in the format <see cref="Dot"/> reads.</summary>
    public int ActivationBytes { get; }
}
