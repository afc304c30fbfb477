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
/// <para>Intel multiplies by what is subnormal in F32 by microcode, so with AVX-512 numbers are read as they are: 112 is added to the
/// exponent, and of that value v a subnormal half is 2v - 2^-14, the smaller of the two there and nowhere else. Values about 0.05 took
/// three times as long before.</para>
/// </summary>
internal readonly unsafe struct F16Cells : IKvCells
{
    // sign, five bits of exponent, ten of fraction: what the shift leaves of the copies of the sign goes
    private const int SignAndMagnitude = unchecked((int)0x8FFFFFFF);
    private const int Magnitude = 0x7FFF << 13;
    private const int Bias = 112 << 23;
    private const float SmallestNormal = 1f / (1 << 14);

    public static float Lift => Avx512F.IsSupported ? 1 : 5.192296858534828e33f; // 2^112

    public static bool HasScales => false;

    /// <summary>Bits that an infinity reads as.</summary>
    internal static int Infinity => (0x7C00 << 13) + (Avx512F.IsSupported ? Bias : 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* cells, int cell)
    {
        short* source = (short*)cells + cell;
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

        if (!Avx512F.IsSupported)
        {
            return ((wide << 13) & Vector256.Create(SignAndMagnitude)).AsSingle();
        }

        Vector256<float> value = (((wide << 13) & Vector256.Create(Magnitude)) + Vector256.Create(Bias)).AsSingle();
        value = Vector256.MinNative(Vector256.FusedMultiplyAdd(value, Vector256.Create(2f), Vector256.Create(-SmallestNormal)), value);
        return (value.AsInt32() | (wide & Vector256.Create(int.MinValue))).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadWide(byte* cells, int cell)
    {
        Vector512<int> wide = WideMath.Widen(Vector256.Load((short*)cells + cell));
        Vector512<float> value = (((wide << 13) & Vector512.Create(Magnitude)) + Vector512.Create(Bias)).AsSingle();
        value = Vector512.MinNative(Vector512.FusedMultiplyAdd(value, Vector512.Create(2f), Vector512.Create(-SmallestNormal)), value);
        return (value.AsInt32() | (wide & Vector512.Create(int.MinValue))).AsSingle();
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
        Vector256<int> bits = F16Cells.Load(cells, cell).AsInt32();
        Vector256<int> noNumber = Vector256.GreaterThan(bits & Vector256.Create(0x7FFFFFFF), Vector256.Create(F16Cells.Infinity));
        return (bits | (noNumber & Vector256.Create(0x7FC00000))).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadWide(byte* cells, int cell)
    {
        Vector512<int> bits = F16Cells.LoadWide(cells, cell).AsInt32();
        Vector512<int> noNumber = Vector512.GreaterThan(bits & Vector512.Create(0x7FFFFFFF), Vector512.Create(F16Cells.Infinity));
        return (bits | (noNumber & Vector512.Create(0x7FC00000))).AsSingle();
    }
}
