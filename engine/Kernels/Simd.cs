using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Kernels;

/// <summary>Instruction sets a kernel may have a variant for, weakest first.</summary>
public enum SimdLevel
{
    Scalar,
    Vector128,
    Avx2,
    Avx512,
}

/// <summary>Which kernel variants this process runs. The level changes speed only: by the numerics contract every level gives
/// the same bits, so that a fleet of unlike machines answers alike. <c>SMOL_SIMD</c> forces a level, for tests and to rule a
/// variant out; a level that the machine lacks is refused rather than replaced by another.</summary>
public static class Simd
{
    /// <summary>Environment variable that names a level: scalar, vector128, avx2 or avx512.</summary>
    public const string Variable = "SMOL_SIMD";

    // Lazy rather than a static initializer: the exception reaches the caller unwrapped, at every call.
    private static readonly Lazy<SimdLevel> Chosen = new(static () => Choose(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>The best level of this machine, or the one that SMOL_SIMD asks for.</summary>
    /// <exception cref="InvalidOperationException">SMOL_SIMD holds an unknown word or a level that this machine lacks.</exception>
    public static SimdLevel Level => Chosen.Value;

    /// <summary>Whether this machine and runtime can run the variants of <paramref name="level"/>.</summary>
    public static bool IsSupported(SimdLevel level) => level switch
    {
        SimdLevel.Scalar => true,
        SimdLevel.Vector128 => Vector128.IsHardwareAccelerated,
        SimdLevel.Avx2 => Avx2.IsSupported && Fma.IsSupported,
        SimdLevel.Avx512 => Avx512BW.IsSupported && Avx2.IsSupported && Fma.IsSupported,
        _ => false,
    };

    internal static SimdLevel Choose(string? wanted)
    {
        SimdLevel[] available = [.. Enum.GetValues<SimdLevel>().Where(IsSupported)];
        if (string.IsNullOrEmpty(wanted))
            return available[^1];
        foreach (var level in available)
        {
            if (level.ToString().Equals(wanted, StringComparison.OrdinalIgnoreCase))
                return level;
        }

        var names = string.Join(", ", available.Select(static level => level.ToString().ToLowerInvariant()));
        throw new InvalidOperationException(
            $"{Variable}={wanted}: this machine has {names}. Set one of these, or unset {Variable} to use the best.");
    }
}
