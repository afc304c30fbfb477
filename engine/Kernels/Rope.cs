using System.Runtime.CompilerServices;
using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Kernels;

/// <summary>
/// Rotary positions: pair i of a head, which elements it may be (<see cref="RopePairs"/>), turns by position · frequency[i]. Frequencies and angles
/// are computed in double and rounded once, so that every machine turns by the same angle. Source: Su et al. 2021; YaRN:
/// Peng et al. 2023, with the ramp and magnitude as llama.cpp applies them.
/// </summary>
internal sealed class Rope
{
    private readonly double[] _frequency;  // [dimensions / 2], radians a position
    private readonly double _magnitude;
    private readonly bool _halves;

    /// <param name="config">Base, dimensions and scaling.</param>
    /// <param name="factors">[dimensions / 2] divisors of the frequencies (Llama 3's rope_freqs), or empty.</param>
    public Rope(RopeConfig config, ReadOnlySpan<float> factors)
    {
        _frequency = new double[config.Dimensions / 2];
        _halves = config.Pairs == RopePairs.Halves;
        double scale = config.Scaling == RopeScaling.None ? 1 : 1 / config.Factor;
        bool yarn = config.Scaling == RopeScaling.Yarn && config.YarnExtrapolation != 0;
        (double low, double high) = yarn ? CorrectionRange(config) : (0, 0);
        for (int i = 0; i < _frequency.Length; i++)
        {
            double frequency = ExactMath.Pow(config.Base, -2.0 * i / config.Dimensions) / (factors.IsEmpty ? 1 : factors[i]);
            double mix = yarn ? (1 - Math.Clamp((i - low) / Math.Max(0.001, high - low), 0, 1)) * config.YarnExtrapolation : 0;
            _frequency[i] = frequency * (scale * (1 - mix) + mix);
        }

        _magnitude = config.Scaling == RopeScaling.Yarn ? config.YarnAttention : 1;
        if (yarn)
        {
            _magnitude *= 1 + 0.1 * ExactMath.Log(1 / scale);
        }
    }

    /// <summary>Length of <see cref="Angles"/>'s destination.</summary>
    public int TableLength => _frequency.Length * 2;

    /// <summary>Writes cosine and sine of each pair for one position: [dimensions / 2][cos, sin].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Angles(int position, Span<float> destination)
    {
        for (int i = 0; i < _frequency.Length; i++)
        {
            (double sin, double cos) = ExactMath.SinCos(position * _frequency[i]);
            destination[2 * i] = (float)(cos * _magnitude);
            destination[2 * i + 1] = (float)(sin * _magnitude);
        }
    }

    /// <summary>Turns every head of one token in place: heads is [headCount][headLength]; dimensions past the table stay.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void Rotate(float* heads, int headCount, int headLength, ReadOnlySpan<float> angles)
    {
        int pairs = angles.Length / 2, step = _halves ? 1 : 2, apart = _halves ? pairs : 1;
        for (int h = 0; h < headCount; h++, heads += headLength)
        {
            for (int i = 0; i < pairs; i++)
            {
                float* first = heads + (i * step), second = first + apart;
                float a = *first, b = *second, cos = angles[2 * i], sin = angles[(2 * i) + 1];
                *first = MathF.FusedMultiplyAdd(a, cos, -(b * sin));
                *second = MathF.FusedMultiplyAdd(a, sin, b * cos);
            }
        }
    }

    // the pairs between which YaRN passes from extrapolation (fast pairs) to interpolation (slow ones)
    private static (double Low, double High) CorrectionRange(RopeConfig config)
    {
        double low = Math.Floor(CorrectionPair(config, config.YarnBetaFast));
        double high = Math.Ceiling(CorrectionPair(config, config.YarnBetaSlow));
        return (Math.Max(0, low), Math.Min(config.Dimensions - 1, high));
    }

    private static double CorrectionPair(RopeConfig config, double turns) =>
        config.Dimensions * ExactMath.Log(config.OriginalContextLength / (turns * 2 * Math.PI)) / (2 * ExactMath.Log(config.Base));
}
