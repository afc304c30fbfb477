using System.Runtime.CompilerServices;

namespace SmolCluster.Engine.Quantization;

/// <summary>Rows of a format with blocks of 256: a block is unpacked once and multiplied with every token of a group.</summary>
internal readonly unsafe struct Block256Rows<T> : IRows
    where T : unmanaged, IBlock256<T>
{
    public static ActivationFormat Activation => ActivationFormat.Q8K;

    public static GroupLayout Layout => T.Layout;

    private const int Group = 64; // tokens whose accumulators live on the stack

    /// <inheritdoc/>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TDot>(byte* row, byte* activations, int columns, int tokens, float* destination, nint stride)
        where TDot : struct, ITileDot
    {
        var storage = stackalloc byte[sizeof(Tile256) + 64];
        var tile = (Tile256*)(((nuint)storage + 63) & ~(nuint)63); // vectors of the tile never straddle cache lines
        var accumulators = stackalloc float[Group];
        nint rowBytes = Activations.RowBytes(ActivationFormat.Q8K, columns);
        nint sumOffset = Activations.Q8KSumOffset(columns);
        nint scaleOffset = Activations.Q8KScaleOffset(columns);
        var blocks = columns / Activations.Q8KBlock;
        for (var first = 0; first < tokens; first += Group)
        {
            var count = Math.Min(Group, tokens - first);
            var group = activations + (first * rowBytes);
            new Span<float>(accumulators, count).Clear();
            for (var b = 0; b < blocks; b++)
            {
                if (TDot.Vectors)
                    T.UnpackVector((T*)row + b, tile);
                else
                    T.Unpack((T*)row + b, tile);
                var block = new Q8KBlocks(
                    (sbyte*)group + (b * 256),
                    (short*)(group + sumOffset) + (b * 16),
                    (float*)(group + scaleOffset) + b,
                    rowBytes,
                    count);
                TDot.Add<T>(tile, in block, accumulators);
            }

            for (var t = 0; t < count; t++)
                destination[(first + t) * stride] = accumulators[t];
        }
    }

    /// <inheritdoc/>
    public static void RunGroup<TDot>(byte* rows, nint rowBytes, TokenRows activations, int columns, int tokens, float* destination, nint stride)
        where TDot : struct, IGroupDot => GroupRows256<T, TDot>.Run(rows, rowBytes, activations, columns, tokens, destination, stride);

    /// <inheritdoc/>
    public static void RunTwo<TDot>(byte* first, byte* second, byte* token, int columns, float* toFirst, float* toSecond)
        where TDot : struct, IGroupDot => GroupRows256<T, TDot>.RunTwo(first, second, token, columns, toFirst, toSecond);

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Dequantize(byte* row, int columns, float* destination)
    {
        Tile256 tile;
        for (var b = 0; b < columns / 256; b++)
        {
            T.Unpack((T*)row + b, &tile);
            var weights = destination + (b * 256);
            for (var i = 0; i < 256; i++)
                weights[i] = Weight(&tile, i);
        }
    }

    private static float Weight(Tile256* tile, int i)
    {
        var product = tile->Scales[i / 2] * (T.Signed ? (sbyte)tile->Quants[i] : tile->Quants[i]);
        return T.Correction switch
        {
            Correction.Offset => tile->Scale * (product - tile->Minimums[i / 16]),
            Correction.Minimum => (tile->Scale * product) - (tile->MinimumScale * tile->Minimums[i / 16]),
            _ => tile->Scale * product,
        };
    }
}
