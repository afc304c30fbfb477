using System.Runtime.CompilerServices;

namespace SmolCluster.Engine.Quantization;

/// <summary>Rows of a format with blocks of 32: eight blocks are unpacked at a time and multiplied with every token of a group.
/// A row's last blocks, where they are fewer than eight, go through the scalar unpacking and the same multiplication; the
/// activations are padded for it.</summary>
internal readonly unsafe struct Block32Rows<T> : IRows
    where T : unmanaged, IBlock32<T>
{
    public static ActivationFormat Activation => ActivationFormat.Q8;

    public static GroupLayout Layout => T.Layout;

    private const int Group = 64; // tokens whose accumulators live on the stack

    /// <inheritdoc/>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TDot>(byte* row, byte* activations, int columns, int tokens, float* destination, nint stride)
        where TDot : struct, ITileDot
    {
        var storage = stackalloc byte[sizeof(Tile32) + 64];
        var tile = (Tile32*)(((nuint)storage + 63) & ~(nuint)63); // vectors of the tile never straddle cache lines
        *tile = default; // a last, partial tile multiplies what it did not fill, and drops it
        var accumulators = stackalloc float[Group];
        nint rowBytes = Activations.RowBytes(ActivationFormat.Q8, columns);
        nint scaleOffset = Activations.Q8ScaleOffset(columns);
        nint sumOffset = Activations.Q8SumOffset(columns);
        var blocks = columns / Activations.Q8Block;
        for (var first = 0; first < tokens; first += Group)
        {
            var count = Math.Min(Group, tokens - first);
            var group = activations + (first * rowBytes);
            new Span<float>(accumulators, count).Clear();
            for (var b = 0; b < blocks; b += Tile32.Blocks)
            {
                var filled = Math.Min(Tile32.Blocks, blocks - b);
                if (TDot.Vectors && filled == Tile32.Blocks)
                    T.UnpackVector((T*)row + b, tile);
                else
                    Unpack((T*)row + b, filled, tile);
                var token = group;
                for (var t = 0; t < count; t++, token += rowBytes)
                {
                    accumulators[t] = TDot.Add<T>(
                        tile,
                        (sbyte*)token + (b * 32),
                        (float*)(token + scaleOffset) + b,
                        (int*)(token + sumOffset) + b,
                        filled,
                        accumulators[t]);
                }
            }

            for (var t = 0; t < count; t++)
                destination[(first + t) * stride] = accumulators[t];
        }
    }

    /// <inheritdoc/>
    public static void RunGroup<TDot>(byte* rows, nint rowBytes, TokenRows activations, int columns, int tokens, float* destination, nint stride)
        where TDot : struct, IGroupDot => GroupRows32<T, TDot>.Run(rows, rowBytes, activations, columns, tokens, destination, stride);

    /// <inheritdoc/>
    public static void RunTwo<TDot>(byte* first, byte* second, byte* token, int columns, float* toFirst, float* toSecond)
        where TDot : struct, IGroupDot => GroupRows32<T, TDot>.RunTwo(first, second, token, columns, toFirst, toSecond);

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Dequantize(byte* row, int columns, float* destination)
    {
        Tile32 tile;
        for (var b = 0; b < columns / 32; b++)
        {
            T.Unpack((T*)row + b, 0, &tile);
            for (var i = 0; i < 32; i++)
            {
                var weight = tile.Scales[0] * ((T.Signed ? (sbyte)tile.Quants[i] : tile.Quants[i]) - T.Offset);
                destination[(b * 32) + i] = T.Correction == Correction.Minimum ? weight + tile.Minimums[0] : weight;
            }
        }
    }

    private static void Unpack(T* blocks, int count, Tile32* tile)
    {
        for (var i = 0; i < count; i++)
            T.Unpack(blocks + i, i, tile);
    }
}
