using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Kernels;

/// <summary>
/// Elementary functions from additions, multiplications and fused multiply-adds only. The C library's differ in their last
/// bits from machine to machine, and a token must not.
/// </summary>
internal static class ExactMath
{
    private const double PiHalfHigh = 1.5707963267948966;
    private const double PiHalfLow = 6.123233995736766e-17;
    private const double Ln2High = 0.6931471803691238;
    private const double Ln2Low = 1.9082149292705877e-10;

    /// <summary>e^x to about 1 ulp. Below -87.3 it is 0; above 88.3 it stays at e^88.3, finite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        Vector512<float> clamped = Vector512.Min(Vector512.Max(x, Vector512.Create(-87.3f)), Vector512.Create(88.3f));
        // adding and taking away 1.5 · 2^23 rounds to the nearest integer, ties to even
        Vector512<float> magic = Vector512.Create(12582912f);
        Vector512<float> n = (clamped * Vector512.Create(1.44269504f) + magic) - magic;
        Vector512<float> r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693359375f), clamped);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(2.12194440e-4f), r);
        Vector512<float> p = Vector512.Create(1f / 5040);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1f / 720));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1f / 120));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1f / 24));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1f / 6));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(0.5f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512<float>.One);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512<float>.One);
        Vector512<int> exponent = (Vector512.ConvertToInt32(n) + Vector512.Create(127)) << 23;
        Vector512<float> result = p * exponent.AsSingle();
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(-87.3f)), Vector512<float>.Zero, result);
    }

    public static float Exp(float x) => Exp(Vector512.Create(x))[0];

    /// <summary>The hyperbolic tangent to about 2 ulp; no number, where x is none. Near 0 by the first terms of Lambert's continued
    /// fraction, which there are exact to a float; elsewhere as 1 - 2 / (e^2x + 1), which near 0 would cancel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Tanh(Vector512<float> x)
    {
        Vector512<float> one = Vector512<float>.One, size = Vector512.Abs(x), square = x * x;
        Vector512<float> numerator = Vector512.FusedMultiplyAdd(square + Vector512.Create(105f), square, Vector512.Create(945f));
        Vector512<float> denominator = Vector512.FusedMultiplyAdd(Vector512.FusedMultiplyAdd(square, Vector512.Create(15f), Vector512.Create(420f)), square, Vector512.Create(945f));
        Vector512<float> far = one - (Vector512.Create(2f) / (Exp(size + size) + one));
        return Vector512.ConditionalSelect(Vector512.LessThan(size, Vector512.Create(0.625f)), x * (numerator / denominator), Vector512.CopySign(far, x));
    }

    /// <summary>e^x in double, for |x| below 700.</summary>
    public static double Exp(double x)
    {
        double n = Math.Round(x * 1.4426950408889634);
        double r = Math.FusedMultiplyAdd(-n, Ln2High, x);
        r = Math.FusedMultiplyAdd(-n, Ln2Low, r);
        double term = 1, sum = 1;
        for (int i = 1; i <= 20; i++)
        {
            term = term * r / i;
            sum += term;
        }

        return Math.ScaleB(sum, (int)n);
    }

    /// <summary>Natural logarithm of a positive, finite, normal number.</summary>
    public static double Log(double x)
    {
        long bits = BitConverter.DoubleToInt64Bits(x);
        int exponent = (int)(bits >> 52) - 1023;
        double mantissa = BitConverter.Int64BitsToDouble((bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000);
        if (mantissa > 1.4142135623730951)
        {
            mantissa /= 2;
            exponent++;
        }

        // log m = 2 atanh((m - 1) / (m + 1)); |s| < 0.172, so 15 odd terms reach double precision
        double s = (mantissa - 1) / (mantissa + 1);
        double square = s * s, power = s, sum = 0;
        for (int k = 1; k <= 29; k += 2)
        {
            sum += power / k;
            power *= square;
        }

        return exponent * Ln2High + (exponent * Ln2Low + 2 * sum);
    }

    /// <summary>base^exponent for a positive base.</summary>
    public static double Pow(double @base, double exponent) => exponent == 0 ? 1 : Exp(exponent * Log(@base));

    /// <summary>Sine and cosine of an angle in radians, |angle| below 2^30, to about 1e-16 absolute.</summary>
    public static (double Sin, double Cos) SinCos(double angle)
    {
        double n = Math.Round(angle / PiHalfHigh);
        double r = Math.FusedMultiplyAdd(-n, PiHalfHigh, angle);
        r = Math.FusedMultiplyAdd(-n, PiHalfLow, r);
        double square = r * r;
        double sin = 1, cos = 1;
        for (int i = 16; i >= 2; i -= 2)
        {
            sin = 1 - sin * square / (i * (i + 1));
            cos = 1 - cos * square / (i * (i - 1));
        }

        sin *= r;
        return ((long)n & 3) switch
        {
            0 => (sin, cos),
            1 => (cos, -sin),
            2 => (-sin, -cos),
            _ => (-cos, sin),
        };
    }
}
