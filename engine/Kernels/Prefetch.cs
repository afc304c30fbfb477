using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Kernels;

/// <summary>Asks the memory for what is read soon, where the processor can be told so; the address may be none of ours.</summary>
internal static unsafe class Prefetch
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Line(byte* at)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(at);
        }
    }
}
