using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Kernels;

/// <summary>F16 that hold numbers only, read as <see cref="HalfFloats.Widen(Vector256{int})"/> says.</summary>
internal readonly unsafe struct F16Cells : IKvCells
{
    public static bool HasScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* cells, int cell) => HalfFloats.Widen(Bits(cells, cell));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadWide(byte* cells, int cell) => HalfFloats.Widen(WideMath.Widen(Vector256.Load((short*)cells + cell)));

    // with their signs
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<int> Bits(byte* cells, int cell)
    {
        short* source = (short*)cells + cell;
        if (Avx2.IsSupported)
        {
            return Avx2.ConvertToVector256Int32(source);
        }

        (Vector128<int> low, Vector128<int> high) = Vector128.Widen(Vector128.Load(source));
        return Vector256.Create(low, high);
    }
}

/// <summary>F16 of a page that also holds what is no number: the same, and no number stays none.</summary>
internal readonly unsafe struct F16OrNoNumberCells : IKvCells
{
    public static bool HasScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* cells, int cell)
    {
        Vector256<int> bits = F16Cells.Bits(cells, cell);
        Vector256<int> noNumber = Vector256.GreaterThan(bits & Vector256.Create(0x7FFF), Vector256.Create(0x7C00));
        return (HalfFloats.Widen(bits).AsInt32() | (noNumber & Vector256.Create(0x7FC00000))).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadWide(byte* cells, int cell) => HalfFloats.Load((ushort*)cells + cell);
}
