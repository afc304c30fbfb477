using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization.Encoding;

/// <summary>x is about Scale · q + Offset, q from 0 to the format's largest quant.</summary>
internal readonly record struct Line(float Scale, float Offset);

/// <summary>
/// The line that makes Σ w (x − (d q + m))² small over integers q from 0 to a maximum. For given q it is a weighted linear
/// regression; ranges of x that are narrower and wider than the block's own are tried, and the best line is improved by
/// rounding and solving in turns. Same bits on every machine, as in <see cref="ScaleFit{TGrid}"/>.
/// </summary>
internal static unsafe class AffineFit
{
    private const int Refinements = 4;

    // the range that the quants span, as a share of the block's own
    private static ReadOnlySpan<float> Shares => [0.70f, 0.76f, 0.81f, 0.85f, 0.88f, 0.91f, 0.94f, 0.97f, 1f, 1.03f, 1.07f];

    /// <param name="x">[count] weights.</param>
    /// <param name="w">[count] how much each one's error counts.</param>
    /// <param name="count">A multiple of 8.</param>
    /// <param name="largest">The largest quant.</param>
    /// <param name="offsetAboveZero">Whether the offset may be above 0; the K formats store what is subtracted, without a sign.</param>
    public static Line Best(float* x, float* w, int count, int largest, bool offsetAboveZero)
    {
        Block block = Block.Of(x, w, count, largest, offsetAboveZero);
        float range = block.High - block.Low;
        if (!(range > 0))
            return new Line(0, block.Low);
        Fit best = new(new Line(range / largest, block.Low), float.NegativeInfinity);
        foreach (float share in Shares)
        {
            float step = range * share / largest, inset = range * (1 - share);
            best = Better(best, Solve(block, new Line(step, block.Low)));
            best = Better(best, Solve(block, new Line(step, block.Low + (inset / 2))));
            best = Better(best, Solve(block, new Line(step, block.Low + inset)));
        }

        for (int i = 0; i < Refinements; i++)
        {
            Fit next = Solve(block, best.Line);
            if (!(next.Gain > best.Gain))
                break;
            best = next;
        }

        return best.Line;
    }

    /// <summary>Rounds to the quants of a given line.</summary>
    /// <param name="q">[count] integers from 0 to <paramref name="largest"/>.</param>
    /// <returns>Σ w (x − (d q + m))².</returns>
    public static float Round(float* x, float* w, int count, int largest, Line line, float* q)
    {
        Vector256<float> inverse = Vector256.Create(line.Scale == 0 ? 0 : 1 / line.Scale), d = Vector256.Create(line.Scale), m = Vector256.Create(line.Offset);
        Vector256<float> sum = default;
        for (int i = 0; i < count; i += 8)
        {
            Vector256<float> values = Vector256.Load(x + i), nearest = Rounding.Within((values - m) * inverse, 0, largest);
            nearest.Store(q + i);
            Vector256<float> error = values - ((d * nearest) + m);
            sum += Vector256.Load(w + i) * error * error;
        }

        return Vector256.Sum(sum);
    }

    private static Fit Better(Fit a, Fit b) => b.Gain > a.Gain ? b : a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Fit Solve(in Block b, Line line)
    {
        if (line.Scale == 0)
            return new Fit(line, float.NegativeInfinity);
        Vector256<float> inverse = Vector256.Create(1 / line.Scale), offset = Vector256.Create(line.Offset), q1 = default, qq = default, xq = default;
        for (int i = 0; i < b.Count; i += 8)
        {
            Vector256<float> values = Vector256.Load(b.X + i), q = Rounding.Within((values - offset) * inverse, 0, b.Largest);
            Vector256<float> weighted = Vector256.Load(b.W + i) * q;
            q1 += weighted;
            qq += weighted * q;
            xq += weighted * values;
        }

        return Regress(b, Vector256.Sum(q1), Vector256.Sum(qq), Vector256.Sum(xq));
    }

    // doubles: the determinant is a small difference of large products
    private static Fit Regress(in Block b, double q1, double qq, double xq)
    {
        double determinant = (b.Sum1 * qq) - (q1 * q1);
        if (determinant > 0)
        {
            double d = ((b.Sum1 * xq) - (b.SumX * q1)) / determinant, m = ((qq * b.SumX) - (q1 * xq)) / determinant;
            if (d > 0 && (m <= 0 || b.OffsetAboveZero))
                return new Fit(new Line((float)d, (float)m), (d * xq) + (m * b.SumX));
        }

        return qq > 0 && xq > 0 && !b.OffsetAboveZero ? new Fit(new Line((float)(xq / qq), 0), xq * xq / qq) : new Fit(default, double.NegativeInfinity);
    }

    private readonly record struct Fit(Line Line, double Gain);

    /// <summary>What stays the same while lines are tried.</summary>
    private readonly ref struct Block
    {
        public required float* X { get; init; }

        public required float* W { get; init; }

        public required int Count { get; init; }

        public required int Largest { get; init; }

        public required bool OffsetAboveZero { get; init; }

        public required float Low { get; init; }

        public required float High { get; init; }

        public required double Sum1 { get; init; }

        public required double SumX { get; init; }

        public static Block Of(float* x, float* w, int count, int largest, bool offsetAboveZero)
        {
            float low = x[0], high = x[0];
            double sum1 = 0, sumX = 0;
            for (int i = 0; i < count; i++)
            {
                low = MathF.Min(low, x[i]);
                high = MathF.Max(high, x[i]);
                sum1 += w[i];
                sumX += (double)w[i] * x[i];
            }

            return new Block
            {
                X = x,
                W = w,
                Count = count,
                Largest = largest,
                OffsetAboveZero = offsetAboveZero,
                Low = offsetAboveZero ? low : MathF.Min(low, 0),
                High = high,
                Sum1 = sum1,
                SumX = sumX,
            };
        }
    }
}
