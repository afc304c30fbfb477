using SmolCluster.Engine.Quantization;
using SmolCluster.Engine.Quantization.Encoding;

namespace SmolCluster.Engine.Tests.Quantization;

/// <summary>Writing blocks, judged by reading them back. The bounds are what llama.cpp's quantizer (ggml_quantize_chunk of v0.5.0, from
/// npm's node-llama-cpp 3.22.1) leaves on the same weights: 32 rows of 512, see <see cref="Weights"/>.</summary>
public sealed unsafe class QuantizerTests
{
    private const int Rows = 32, Columns = 512;

    public static TheoryData<GgmlType> Quantized =>
    [
        GgmlType.Q4_0, GgmlType.Q4_1, GgmlType.Q5_0, GgmlType.Q5_1, GgmlType.Q8_0, GgmlType.Q2_K, GgmlType.Q3_K, GgmlType.Q4_K, GgmlType.Q5_K,
        GgmlType.Q6_K, GgmlType.IQ4_NL, GgmlType.IQ4_XS,
    ];

    /// <param name="type">Written and read back.</param>
    /// <param name="plain">llama.cpp's root mean square error over that of the weights.</param>
    /// <param name="weighted">The same, each column weighted by <see cref="Importance"/>, which both were given.</param>
    [Theory]
    [InlineData(GgmlType.Q4_0, 0.081972, 0.073928)]
    [InlineData(GgmlType.Q4_1, 0.075588, 0.063198)]
    [InlineData(GgmlType.Q5_0, 0.039999, 0.036447)]
    [InlineData(GgmlType.Q5_1, 0.036329, 0.030382)]
    [InlineData(GgmlType.Q8_0, 0.005037, 0.005049)]
    [InlineData(GgmlType.Q2_K, 0.289875, 0.235396)]
    [InlineData(GgmlType.Q3_K, 0.145341, 0.131226)]
    [InlineData(GgmlType.Q4_K, 0.068741, 0.063995)]
    [InlineData(GgmlType.Q5_K, 0.034568, 0.032238)]
    [InlineData(GgmlType.Q6_K, 0.017015, 0.015857)]
    [InlineData(GgmlType.IQ4_NL, 0.074085, 0.069731)]
    [InlineData(GgmlType.IQ4_XS, 0.074643, 0.070497)]
    public void Row_EachFormat_IsNoFartherFromTheWeightsThanLlamaCpp(GgmlType type, double plain, double weighted)
    {
        float[] weights = Weights(), importance = Importance(), even = new float[Columns];
        Array.Fill(even, 1);
        double ours = Error(weights, RoundTrip(type, weights, null), even), oursWeighted = Error(weights, RoundTrip(type, weights, importance), importance);
        TestContext.Current.SendDiagnosticMessage($"{type}: ratio {ours / plain:f4}, with importance {oursWeighted / weighted:f4}");
        Assert.InRange(ours, 0, 1.001 * plain);
        Assert.InRange(oursWeighted, 0, 1.001 * weighted);
    }

    [Theory]
    [MemberData(nameof(Quantized))]
    public void Row_ZerosConstantsAndOutliers_StayNear(GgmlType type)
    {
        float[] weights = new float[4 * 256];
        Array.Fill(weights, 0.25f, 256, 256);
        Array.Fill(weights, -3f, 512, 256);
        weights[768] = 1000;
        weights[769] = 1e-30f;
        float[] back = RoundTrip(type, weights, null, weights.Length);
        Assert.All(back[..256], static value => Assert.Equal(0, value));
        Assert.All(back[256..512], static value => Assert.Equal(0.25, value, 0.02));
        Assert.All(back[512..768], static value => Assert.Equal(-3, value, 0.2));
        Assert.InRange(back[768], 850, 1150);
    }

    [Theory]
    [InlineData(GgmlType.F32)]
    [InlineData(GgmlType.F16)]
    [InlineData(GgmlType.BF16)]
    public void Row_Floats_RoundToNearest(GgmlType type)
    {
        float[] weights = Weights(), back = RoundTrip(type, weights, null);
        float bits = type switch { GgmlType.F32 => 0, GgmlType.F16 => 1f / 2048, _ => 1f / 256 };
        for (int i = 0; i < weights.Length; i++)
            Assert.InRange(MathF.Abs(back[i] - weights[i]), 0, (MathF.Abs(weights[i]) * bits) + 1e-7f);
    }

    [Fact]
    public void Row_WhatCannotBeHeld_IsRefusedByName()
    {
        Assert.Contains("column 3 is NaN", Assert.Throws<ArithmeticException>(() => RoundTrip(GgmlType.Q4_K, With(3, float.NaN), null)).Message, StringComparison.Ordinal);
        Assert.Contains("Infinity", Assert.Throws<ArithmeticException>(() => RoundTrip(GgmlType.F16, With(3, float.PositiveInfinity), null)).Message, StringComparison.Ordinal);
        Assert.Contains("BF16 can", Assert.Throws<ArithmeticException>(() => RoundTrip(GgmlType.F16, With(3, 1e6f), null)).Message, StringComparison.Ordinal);
        Assert.Contains("32768", Assert.Throws<ArithmeticException>(() => RoundTrip(GgmlType.Q8_0, With(3, 1e6f), null)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => RoundTrip(GgmlType.Q6_K, Weights(), null, 255));
        Assert.Throws<ArgumentException>(() => RoundTrip(GgmlType.IQ2_S, Weights(), null));
    }

    private static float[] With(int at, float value)
    {
        float[] weights = Weights();
        weights[at] = value;
        return weights;
    }

    /// <summary>Sums of four uniforms of a 64-bit congruential generator, nearly normal, of deviation 0.029.</summary>
    private static float[] Weights()
    {
        ulong state = 12_345;
        float[] weights = new float[Rows * Columns];
        for (int i = 0; i < weights.Length; i++)
        {
            double sum = -2 * 16_777_216.0;
            for (int j = 0; j < 4; j++)
                sum += (state = unchecked((state * 6_364_136_223_846_793_005) + 1_442_695_040_888_963_407)) >> 40;
            weights[i] = (float)(sum / 16_777_216 * 0.05);
        }

        return weights;
    }

    private static float[] Importance() =>
        [.. Enumerable.Range(0, Columns).Select(static i => (float)(0.01 + (i * 37 % 101 / 101.0 * (i * 37 % 101) / 101.0)))];

    private static float[] RoundTrip(GgmlType type, float[] weights, float[]? importance, int columns = Columns)
    {
        BlockFormat.TryGet(type, out BlockFormat format);
        byte[] row = new byte[(columns / Math.Max(1, format.Length) * format.Bytes) + 1];
        float[] back = new float[weights.Length];
        fixed (float* source = weights, w = importance, destination = back)
        fixed (byte* blocks = row)
        {
            for (int at = 0; at < weights.Length; at += columns)
            {
                Quantizer.Row(type, source + at, columns, w, blocks);
                Dequantizer.Row(type, blocks, columns, destination + at);
            }
        }

        return back;
    }

    private static double Error(float[] weights, float[] back, float[] importance)
    {
        double error = 0, size = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            double w = importance[i % Columns], difference = weights[i] - (double)back[i];
            error += w * difference * difference;
            size += w * weights[i] * weights[i];
        }

        return Math.Sqrt(error / size);
    }
}
