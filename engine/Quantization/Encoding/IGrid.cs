using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmolCluster.Engine.Quantization.Encoding;

/// <summary>The values a quant can stand for before it is scaled: what a format with one scale rounds to.</summary>
internal interface IGrid
{
    static abstract float Low { get; }

    static abstract float High { get; }

    static abstract Vector256<float> Nearest(Vector256<float> values);
}

/// <summary>-4 to 3.</summary>
internal readonly struct Grid3 : IGrid
{
    public static float Low => -4;

    public static float High => 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Nearest(Vector256<float> values) => Rounding.Within(values, Low, High);
}

/// <summary>-8 to 7.</summary>
internal readonly struct Grid4 : IGrid
{
    public static float Low => -8;

    public static float High => 7;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Nearest(Vector256<float> values) => Rounding.Within(values, Low, High);
}

/// <summary>-16 to 15.</summary>
internal readonly struct Grid5 : IGrid
{
    public static float Low => -16;

    public static float High => 15;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Nearest(Vector256<float> values) => Rounding.Within(values, Low, High);
}

/// <summary>-32 to 31.</summary>
internal readonly struct Grid6 : IGrid
{
    public static float Low => -32;

    public static float High => 31;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Nearest(Vector256<float> values) => Rounding.Within(values, Low, High);
}

/// <summary>The sixteen unevenly spaced levels of the IQ4 formats.</summary>
internal readonly struct LevelGrid : IGrid
{
    public static float Low => Nibbles.Level(0);

    public static float High => Nibbles.Level(15);

    /// <summary>Starts at the lowest level and climbs a step for each midpoint that the value reaches.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Nearest(Vector256<float> values)
    {
        Vector256<float> level = Vector256.Create(Low);
        for (int i = 1; i < 16; i++)
        {
            float below = Nibbles.Level(i - 1), above = Nibbles.Level(i);
            Vector256<float> reached = Vector256.GreaterThanOrEqual(values, Vector256.Create((below + above) * 0.5f));
            level += reached & Vector256.Create(above - below);
        }

        return level;
    }
}

internal static class Rounding
{
    /// <summary>To the nearest integer, ties to even, and into the range.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Within(Vector256<float> values, float low, float high) =>
        Vector256.Min(Vector256.Max(Vector256.Round(values), Vector256.Create(low)), Vector256.Create(high));
}
