using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Kernels;

/// <summary>
/// F16 that hold numbers only. Widened with their sign and moved to where F32 has exponent and fraction, the bits of a half
/// read as its value times 2^-112, subnormals included: three cheap instructions, no multiplication (F16C is not to be had in
/// .NET 10). An infinity reads as 65,536, as <see cref="HalfFloats"/> says. The price: a query of 32,768 or more, which
/// 2^112 carries past F32, becomes infinite, and the logits after it no numbers.
/// </summary>
internal readonly unsafe struct F16Cells : IKvCells
{
    // sign, five bits of exponent, ten of fraction: what the shift leaves of the copies of the sign goes
    private const int SignAndMagnitude = unchecked((int)0x8FFFFFFF);

    public static float Lift => 5.192296858534828e33f; // 2^112

    public static bool HasScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* cells, int cell) => Bits((short*)cells + cell).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadWide(byte* cells, int cell) => WideBits((short*)cells + cell).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<int> WideBits(short* source) =>
        (WideMath.Widen(Vector256.Load(source)) << 13) & Vector512.Create(SignAndMagnitude);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<int> Bits(short* source)
    {
        Vector256<int> wide;
        if (Avx2.IsSupported)
        {
            wide = Avx2.ConvertToVector256Int32(source);
        }
        else
        {
            (Vector128<int> low, Vector128<int> high) = Vector128.Widen(Vector128.Load(source));
            wide = Vector256.Create(low, high);
        }

        return (wide << 13) & Vector256.Create(SignAndMagnitude);
    }
}

/// <summary>F16 of a page that also holds what is no number: the same, and no number stays none.</summary>
internal readonly unsafe struct F16OrNoNumberCells : IKvCells
{
    public static float Lift => F16Cells.Lift;

    public static bool HasScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* cells, int cell)
    {
        Vector256<int> bits = F16Cells.Bits((short*)cells + cell);
        Vector256<int> noNumber = Vector256.GreaterThan(bits & Vector256.Create(0x7FFFFFFF), Vector256.Create(0x7C00 << 13));
        return (bits | (noNumber & Vector256.Create(0x7FC00000))).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadWide(byte* cells, int cell)
    {
        Vector512<int> bits = F16Cells.WideBits((short*)cells + cell);
        Vector512<int> noNumber = Vector512.GreaterThan(bits & Vector512.Create(0x7FFFFFFF), Vector512.Create(0x7C00 << 13));
        return (bits | (noNumber & Vector512.Create(0x7FC00000))).AsSingle();
    }
}
