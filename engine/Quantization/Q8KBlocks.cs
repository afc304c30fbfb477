namespace SmolCluster.Engine.Quantization;

/// <summary>One block of 256 columns of several <see cref="ActivationFormat.Q8K"/> rows.</summary>
/// <param name="quants">The first row's sbyte[256].</param>
/// <param name="sums">The first row's short[16].</param>
/// <param name="scale">The first row's scale.</param>
/// <param name="rowBytes">From a row to the next.</param>
internal readonly unsafe ref struct Q8KBlocks(sbyte* quants, short* sums, float* scale, nint rowBytes, int tokens)
{
    public int Tokens { get; } = tokens;

    public sbyte* Quants(int token) => quants + (token * rowBytes);

    public short* Sums(int token) => (short*)((byte*)sums + (token * rowBytes));

    public float Scale(int token) => *(float*)((byte*)scale + (token * rowBytes));
}
