using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>Rows of floats times rows of floats. Column i is added to lane i mod 16 by a fused multiply-add, and the sixteen lanes
/// are folded at the end: j with j + 8, then j + 4, j + 2, j + 1. Any vector width up to 16 gives these bits.</summary>
internal readonly unsafe struct FloatRows<T> : IRows
    where T : struct, IFloatFormat
{
    public static ActivationFormat Activation => ActivationFormat.F32;

    public static GroupLayout Layout => default;

    private const int Lanes = 16;
    private const int Tile = 256; // columns converted at a time
    private const int Group = 32; // tokens whose lanes live on the stack
    private const int Ahead = 4096; // bytes: one token asks for them itself, for a processor looks no further than the page it reads

    /// <inheritdoc/>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TDot>(byte* row, byte* activations, int columns, int tokens, float* destination, nint stride)
        where TDot : struct, ITileDot
    {
        if (tokens == 1 && TDot.Vectors && columns % Lanes == 0 && TryOne(row, (float*)activations, columns, destination))
            return;
        var tile = stackalloc float[Tile];
        var lanes = stackalloc float[Group * Lanes];
        for (var first = 0; first < tokens; first += Group)
        {
            var count = Math.Min(Group, tokens - first);
            var group = (float*)activations + (first * (nint)columns);
            new Span<float>(lanes, count * Lanes).Clear();
            for (var column = 0; column < columns; column += Tile)
            {
                var width = Math.Min(Tile, columns - column);
                var weights = T.Unpack(row + (column * (nint)T.Bytes), width, tile);
                for (var t = 0; t < count; t++)
                    TDot.Add(weights, group + (t * (nint)columns) + column, width, lanes + (t * Lanes));
            }

            for (var t = 0; t < count; t++)
                destination[(first + t) * stride] = Fold(lanes + (t * Lanes));
        }
    }

    /// <inheritdoc/>
    public static void RunGroup<TDot>(byte* rows, nint rowBytes, TokenRows activations, int columns, int tokens, float* destination, nint stride)
        where TDot : struct, IGroupDot => FloatGroup<T>.Run(rows, rowBytes, activations.Rows, columns, tokens, destination, stride);

    /// <inheritdoc/>
    public static void RunTwo<TDot>(byte* first, byte* second, byte* token, int columns, float* toFirst, float* toSecond)
        where TDot : struct, IGroupDot
    {
        if (Avx512F.IsSupported)
        {
            TwoRows(first, second, (float*)token, columns, toFirst, toSecond);
        }
        else
        {
            Run<Avx2TileDot>(first, token, columns, 1, toFirst, 1);
            Run<Avx2TileDot>(second, token, columns, 1, toSecond, 1);
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Dequantize(byte* row, int columns, float* destination)
    {
        var weights = T.Unpack(row, columns, destination);
        if (weights != destination)
            Buffer.MemoryCopy(weights, destination, (long)columns * sizeof(float), (long)columns * sizeof(float));
    }

    /// <summary>One token, converted and multiplied in registers: as fast as the memory. False, and nothing written, where a weight is no
    /// number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool TryOne(byte* row, float* token, int columns, float* destination)
    {
        if (Avx512F.IsSupported)
        {
            Vector512<float> sum = default;
            for (nint i = 0; i < columns; i += Lanes)
            {
                Kernels.Prefetch.Line(row + (i * T.Bytes) + Ahead);
                sum = Vector512.FusedMultiplyAdd(T.LoadWide(row + (i * T.Bytes)), Vector512.Load(token + i), sum);
            }

            *destination = Kernels.Lanes.Fold(sum);
            return true;
        }

        Vector256<ushort> unusual = default;
        Vector256<float> low = default, high = default;
        for (nint i = 0; i < columns; i += Lanes)
        {
            Kernels.Prefetch.Line(row + (i * T.Bytes) + Ahead);
            T.Load(row + (i * T.Bytes), out Vector256<float> first, out Vector256<float> last, ref unusual);
            low = Vector256.FusedMultiplyAdd(first, Vector256.Load(token + i), low);
            high = Vector256.FusedMultiplyAdd(last, Vector256.Load(token + i + 8), high);
        }

        if (unusual != Vector256<ushort>.Zero)
            return false;
        *destination = Kernels.Lanes.Fold(Vector512.Create(low, high));
        return true;
    }

    /// <summary>As <see cref="TryOne"/> where it is wide.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoRows(byte* first, byte* second, float* token, int columns, float* toFirst, float* toSecond)
    {
        Vector512<float> a = default, b = default;
        for (nint i = 0; i < columns; i += Lanes, first += Lanes * T.Bytes, second += Lanes * T.Bytes)
        {
            Kernels.Prefetch.Line(first + Ahead);
            Kernels.Prefetch.Line(second + Ahead);
            a = Vector512.FusedMultiplyAdd(T.LoadWide(first), Vector512.Load(token + i), a);
            b = Vector512.FusedMultiplyAdd(T.LoadWide(second), Vector512.Load(token + i), b);
        }

        *toFirst = Kernels.Lanes.Fold(a);
        *toSecond = Kernels.Lanes.Fold(b);
    }

    private static float Fold(float* lanes)
    {
        for (var half = Lanes / 2; half > 0; half /= 2)
        {
            for (var j = 0; j < half; j++)
                lanes[j] += lanes[j + half];
        }

        return lanes[0];
    }
}
