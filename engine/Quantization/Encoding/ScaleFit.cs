using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization.Encoding;

/// <summary>
/// The scale d that makes Σ w (x − d q)² small over the values q of a grid. For given q the best d is Σ w x q / Σ w q², and the
/// error falls by (Σ w x q)² / Σ w q²; so scales that place the block's extreme at different points of the grid are tried, and
/// the best is improved by rounding and solving in turns. Eight lanes and one order of sums: the same bits on every machine.
/// </summary>
internal static unsafe class ScaleFit<TGrid>
    where TGrid : struct, IGrid
{
    private const int Refinements = 3;

    /// <summary>Below this a block's largest magnitude counts as zero: its scale could not be written as a half.</summary>
    private const float Nothing = 1e-12f;

    // where the extreme lands, as a share of the grid's end: inside, so that the others are coarser, to outside, so that it is cut
    private static ReadOnlySpan<float> Shares => [0.70f, 0.76f, 0.81f, 0.85f, 0.88f, 0.91f, 0.94f, 0.97f, 1f, 1.03f, 1.06f, 1.10f, 1.15f, 1.22f];

    /// <param name="x">[count] weights.</param>
    /// <param name="w">[count] how much each one's error counts.</param>
    /// <param name="count">A multiple of 8.</param>
    public static float Best(float* x, float* w, int count)
    {
        float extreme = Extreme(x, count);
        if (MathF.Abs(extreme) < Nothing)
            return 0;
        Fit best = default;
        foreach (float share in Shares)
        {
            best = Better(best, Solve(x, w, count, TGrid.Low * share / extreme));
            best = Better(best, Solve(x, w, count, TGrid.High * share / extreme));
        }

        for (int i = 0; i < Refinements && best.Scale != 0; i++)
        {
            Fit next = Solve(x, w, count, 1 / best.Scale);
            if (!(next.Gain > best.Gain))
                break;
            best = next;
        }

        return best.Scale;
    }

    /// <summary>Rounds with a given scale.</summary>
    /// <param name="q">[count] values of the grid; all the one nearest to 0 where the scale is 0.</param>
    /// <returns>Σ w (x − d q)².</returns>
    public static float Round(float* x, float* w, int count, float scale, float* q)
    {
        Vector256<float> inverse = Vector256.Create(scale == 0 ? 0 : 1 / scale), d = Vector256.Create(scale), sum = default;
        for (int i = 0; i < count; i += 8)
        {
            Vector256<float> values = Vector256.Load(x + i), nearest = TGrid.Nearest(values * inverse);
            nearest.Store(q + i);
            Vector256<float> error = values - (d * nearest);
            sum += Vector256.Load(w + i) * error * error;
        }

        return Vector256.Sum(sum);
    }

    private static Fit Better(Fit a, Fit b) => b.Gain > a.Gain ? b : a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Fit Solve(float* x, float* w, int count, float inverse)
    {
        Vector256<float> factor = Vector256.Create(inverse), xq = default, qq = default;
        for (int i = 0; i < count; i += 8)
        {
            Vector256<float> values = Vector256.Load(x + i), q = TGrid.Nearest(values * factor);
            Vector256<float> weighted = Vector256.Load(w + i) * q;
            xq += weighted * values;
            qq += weighted * q;
        }

        float product = Vector256.Sum(xq), square = Vector256.Sum(qq);
        return square > 0 ? new Fit(product / square, product * (product / square)) : default;
    }

    private static float Extreme(float* x, int count)
    {
        float extreme = 0;
        for (int i = 0; i < count; i++)
        {
            if (MathF.Abs(x[i]) > MathF.Abs(extreme))
                extreme = x[i];
        }

        return extreme;
    }

    private readonly record struct Fit(float Scale, float Gain);
}
