namespace SmolCluster.Engine.Quantization;

/// <summary>For instruction sets that multiply rows one by one.</summary>
internal readonly unsafe struct NoGroupDot : IGroupDot
{
    public static int Tokens => 0;

    public static void Multiply<T>(byte* weights, nint quads, short* scales, sbyte** tokens, nint quadSums, int* products, byte* ahead, nint aheadBytes)
        where T : struct, IGroupQuants => throw new NotSupportedException("These instructions have no products of groups.");

    public static void MultiplyOne<T>(byte* weights, nint quads, short* scales, sbyte* token, nint quadSums, int* products, byte* ahead, nint aheadBytes)
        where T : struct, IGroupQuants => throw new NotSupportedException("These instructions have no products of groups.");
}
