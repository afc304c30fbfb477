using System.Numerics;
using System.Runtime.InteropServices;

namespace SmolCluster.Engine.Sampling;

/// <summary>The exponential of the softmax. Math.Exp calls the platform's C library, whose last bits differ between
/// machines, and one bit can move a draw to another token; this one uses additions, multiplications and bit shifts alone,
/// each exactly rounded, so every lane of every vector width gives the same bits.</summary>
internal static class SamplingMath
{
    /// <summary>Below this the result is defined as 0, which spares the subnormal numbers: no draw could tell.</summary>
    public const double Lowest = -700;

    // 1/k! for k = 13 … 0: |r| <= ln2/2, where the series' remainder is below 5e-18
    private static readonly double[] Series =
    [
        1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
        1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1,
    ];

    private const double Log2E = 1.4426950408889634;
    // the high part has 33 significant bits, so that its product with a small integer is exact
    private const double Ln2High = 0.693147180369123816490, Ln2Low = 1.90821492927058770002e-10;
    // adding and subtracting 1.5 * 2^52 rounds to the nearest integer and leaves it in the low bits
    private const double Rounding = 6755399441055744;

    /// <summary>e^x for x &lt;= 0 within two units in the last place; 0 below <see cref="Lowest"/>, also for -∞.</summary>
    public static double Exp(double x)
    {
        if (!(x >= Lowest)) return 0;
        double shifted = x * Log2E + Rounding;
        double n = shifted - Rounding;
        double r = x - n * Ln2High - n * Ln2Low;
        double sum = Series[0];
        for (int i = 1; i < Series.Length; i++) sum = sum * r + Series[i];
        return BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits(sum) + (BitConverter.DoubleToInt64Bits(shifted) << 52));
    }

    /// <summary>Replaces every x by e^x; the same bits as <see cref="Exp(double)"/>.</summary>
    public static void Exp(Span<double> values)
    {
        Span<Vector<double>> vectors = MemoryMarshal.Cast<double, Vector<double>>(values);
        for (int i = 0; i < vectors.Length; i++) vectors[i] = Exp(vectors[i]);
        for (int i = vectors.Length * Vector<double>.Count; i < values.Length; i++) values[i] = Exp(values[i]);
    }

    private static Vector<double> Exp(Vector<double> x)
    {
        Vector<long> inRange = Vector.GreaterThanOrEqual(x, new Vector<double>(Lowest));
        Vector<double> rounding = new(Rounding);
        Vector<double> shifted = x * Log2E + rounding;
        Vector<double> n = shifted - rounding;
        Vector<double> r = x - n * Ln2High - n * Ln2Low;
        Vector<double> sum = new(Series[0]);
        for (int i = 1; i < Series.Length; i++) sum = sum * r + new Vector<double>(Series[i]);
        Vector<long> bits = Vector.AsVectorInt64(sum) + Vector.ShiftLeft(Vector.AsVectorInt64(shifted), 52);
        return Vector.AsVectorDouble(bits & inRange);
    }
}
