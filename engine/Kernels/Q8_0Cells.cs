using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Kernels;

/// <summary>
/// Whole numbers from -127 to 127 with one F16 scale a block of 32: eight bits times eleven are exact in F32.
/// </summary>
internal readonly unsafe struct Q8_0Cells : IKvCells
{
    // adding and taking away 1.5 · 2^23 rounds to the nearest whole number, ties to even; the whole number is then in the low bits
    private const float Magic = 12582912;

    public static bool HasScales => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* cells, int cell)
    {
        sbyte* source = (sbyte*)cells + cell;
        if (Avx2.IsSupported)
        {
            return Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source));
        }

        Vector128<short> eight = Vector128.WidenLower(Vector128.CreateScalar(Unsafe.ReadUnaligned<long>(source)).AsSByte());
        return Vector256.ConvertToSingle(Vector256.Create(Vector128.WidenLower(eight), Vector128.WidenUpper(eight)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadWide(byte* cells, int cell) => Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load((sbyte*)cells + cell)));

    /// <summary>
    /// Rounds a block: its scale is the F16 nearest to its largest magnitude ÷ 127, each number the whole one nearest to value ÷
    /// scale, ties to even, at most 127 either way; a scale of 0 keeps zeros. A block with what is no number gets a scale that is
    /// none, so that all of it reads as none.
    /// </summary>
    /// <param name="source">32 floats.</param>
    /// <param name="cells">32 whole numbers, one in four bytes.</param>
    /// <returns>The scale's bits.</returns>
    public static ushort Round(float* source, int* cells)
    {
        Vector512<float> low = Vector512.Load(source), high = Vector512.Load(source + Lanes.Count);
        ushort* halves = stackalloc ushort[Lanes.Count];
        HalfFloats.Store(Vector512.Create(Lanes.Max(Vector512.Max(Vector512.Abs(low), Vector512.Abs(high))) / 127), halves);
        Vector512<float> scale = HalfFloats.Load(halves);
        Whole(low, scale).Store(cells);
        Whole(high, scale).Store(cells + Lanes.Count);
        return halves[0];
    }

    private static Vector512<int> Whole(Vector512<float> values, Vector512<float> scale)
    {
        Vector512<float> quotient = values / scale;
        Vector512<float> bounded = Vector512.Min(Vector512.Max(quotient, Vector512.Create(-127f)), Vector512.Create(127f));
        Vector512<int> whole = (bounded + Vector512.Create(Magic)).AsInt32() - Vector512.Create(Magic).AsInt32();
        // 0 ÷ 0 and what is no number: no bits of theirs are kept, which could differ between machines
        Vector512<float> kept = Vector512.Equals(quotient, quotient) & Vector512.GreaterThan(scale, Vector512<float>.Zero);
        return whole & kept.AsInt32();
    }
}
