namespace SmolCluster.Engine.Quantization;

/// <summary>Weights as floats: for embeddings, and as the oracle of the dot products. One body for every machine.</summary>
public static unsafe class Dequantizer
{
    /// <summary>One row.</summary>
    /// <param name="row">columns / block length blocks of <paramref name="type"/>, at any address.</param>
    /// <param name="columns">A multiple of the format's block length.</param>
    /// <param name="destination">float[columns], not overlapping the row.</param>
    /// <exception cref="ArgumentException">The type has no reader here, or the columns do not fit it.</exception>
    public static void Row(GgmlType type, byte* row, int columns, float* destination)
    {
        var rows = RowFormat.Of<ScalarTileDot, NoGroupDot>(type);
        if (!BlockFormat.TryGet(type, out var format) || columns < 0 || columns % format.Length != 0)
        {
            throw new ArgumentException(
                $"A row of {columns} columns cannot be cut into {type} blocks of {format.Length}.", nameof(columns));
        }

        rows.Dequantize(row, columns, destination);
    }
}
