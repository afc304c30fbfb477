using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Quantization;

/// <summary>One weight row times several activation rows; the only arithmetic of matrix products. A function pointer rather than an
/// interface: the choice of format and instruction set is made once for a matrix, and nothing is virtual inside.
/// <para>The bits of a result depend on the row and its activation row only: not on the level, nor on how many tokens a call has.
/// Quantized formats add block after block, from first to last, one fused multiply-add of an exact integer sum each (and one for
/// the minimums); float formats have 16 lanes (<see cref="FloatRows{T}"/>).</para></summary>
public readonly unsafe struct RowDot
{
    /// <summary>Rows that <see cref="RunGroup"/> takes at once.</summary>
    public const int GroupRows = GroupLayout.Rows;

    private RowDot(RowFormat format)
    {
        Activation = format.Activation;
        Run = format.Run;
        RunGroup = format.RunGroup;
        RunTwo = format.RunTwo;
    }

    private RowDot(delegate*<byte*, byte*, int, int, float*, nint, void> reference)
    {
        Activation = ActivationFormat.F32;
        Run = reference;
    }

    /// <summary>What the activation rows must be.</summary>
    public ActivationFormat Activation { get; }

    /// <summary>(row, activations, columns, tokens, destination, destinationStride): for each token t,
    /// destination[t * destinationStride] = dot(row, activations + t * Activations.RowBytes(Activation, columns)).
    /// The stride is in floats. Unchecked: columns must be a multiple of the format's block length.</summary>
    public delegate*<byte*, byte*, int, int, float*, nint, void> Run { get; }

    /// <summary>(rows, rowBytes, activations, columns, tokens, destination, destinationStride): <see cref="Run"/> for
    /// <see cref="GroupRows"/> rows with the same bits: destination[t * destinationStride + row]. The rows lie rowBytes apart as in the
    /// file, or, where that is 0, side by side as <see cref="GroupLayout"/> has them. Several tokens of a quantized format are also laid in
    /// octets. Null where the level has none. Rows of floats only lie apart, and their columns are a multiple of 16 here.</summary>
    public delegate*<byte* /*rows*/, nint /*rowBytes*/, TokenRows /*activations*/, int /*columns*/, int /*tokens*/, float* /*destination*/, nint /*stride*/, void> RunGroup { get; }

    /// <summary>(first, second, token, columns, destination of the first, of the second): <see cref="RunGroup"/> for one token and two
    /// groups of rows that lie side by side, a block of the one and a block of the other in turns. A processor fetches two streams of
    /// memory faster than one: it looks ahead within a page only, and there are two pages. Of floats: two rows, of a multiple of 16
    /// columns. Null where RunGroup is.</summary>
    public delegate*<byte* /*first*/, byte* /*second*/, byte* /*token*/, int /*columns*/, float* /*toFirst*/, float* /*toSecond*/, void> RunTwo { get; }

    /// <summary>The default arithmetic, with the instructions of <paramref name="level"/>.</summary>
    /// <exception cref="ArgumentException">The type has no reader here.</exception>
    /// <exception cref="PlatformNotSupportedException">This machine lacks the level.</exception>
    public static RowDot For(GgmlType type, SimdLevel level)
    {
        if (!Simd.IsSupported(level))
            throw new PlatformNotSupportedException($"This machine cannot run {level} kernels; use Simd.Level, which is {Simd.Level}.");
        return new RowDot(level switch
        {
            SimdLevel.Scalar => RowFormat.Of<ScalarTileDot, NoGroupDot>(type),
            SimdLevel.Vector128 => RowFormat.Of<Vector128TileDot, NoGroupDot>(type),
            SimdLevel.Avx2 => RowFormat.Of<Avx2TileDot, Avx2GroupDot>(type),
            _ => RowFormat.Of<Avx512TileDot, Avx512GroupDot>(type),
        });
    }

    /// <summary>How sixteen rows of a type are laid side by side for <see cref="RunGroup"/>; empty (no bytes) where they are not.</summary>
    internal static GroupLayout Layout(GgmlType type) => RowFormat.Of<ScalarTileDot, NoGroupDot>(type).Layout;

    /// <summary>The oracle: dequantized weights times float activations, accumulated in double.</summary>
    /// <exception cref="ArgumentException">The type has no reader here.</exception>
    public static RowDot Reference(GgmlType type) => new(RowFormat.Of<ScalarTileDot, NoGroupDot>(type).Reference);
}
