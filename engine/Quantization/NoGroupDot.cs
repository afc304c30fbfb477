namespace SmolCluster.Engine.Quantization;

/// <summary>For instruction sets that multiply rows one by one.</summary>
internal readonly unsafe struct NoGroupDot : IGroupDot
{
    public static bool Exists => false;

    public static bool Wide => false;

    public static void Multiply<T>(byte* weights, nint quads, short* scales, sbyte* octet, int tokens, int* quadSums, int* products, byte* ahead, nint aheadStep)
        where T : struct, IGroupQuants => throw new NotSupportedException("These instructions have no products of groups.");

    public static void MultiplyOne<T>(byte* weights, nint quads, short* scales, sbyte* token, int* quadSums, int* products, byte* ahead, nint aheadStep)
        where T : struct, IGroupQuants => throw new NotSupportedException("These instructions have no products of groups.");
}
