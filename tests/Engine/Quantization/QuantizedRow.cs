using System.Runtime.InteropServices;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Tests.Quantization;

/// <summary>Reads activation rows back by the layout that <see cref="Activations"/> documents.</summary>
internal static class QuantizedRow
{
    public static double[] Values(ActivationFormat format, ReadOnlySpan<byte> row, int columns)
    {
        var values = new double[columns];
        if (format == ActivationFormat.F32)
        {
            for (var i = 0; i < columns; i++)
                values[i] = MemoryMarshal.Cast<byte, float>(row)[i];
            return values;
        }

        var (block, offset) = format == ActivationFormat.Q8 ? (32, (columns + 255) / 256 * 256) : (256, columns + (columns / 2) - (columns / 16));
        var scales = MemoryMarshal.Cast<byte, float>(row[offset..]);
        for (var i = 0; i < columns; i++)
            values[i] = (double)scales[i / block] * (sbyte)row[i];
        return values;
    }
}
