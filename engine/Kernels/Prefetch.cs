using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Kernels;

/// <summary>Asks the memory for what is read soon, where the processor can be told so; the address may be none of ours.</summary>
internal static unsafe class Prefetch
{
    private const nint Page = 4096, LineBytes = 64, LinesAPage = 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Line(byte* at)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(at);
        }
    }

    /// <summary>Into the second-level cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Far(byte* from, nint bytes)
    {
        for (nint at = 0; Sse.IsSupported && at < bytes; at += LineBytes)
        {
            Sse.Prefetch1(from + at);
        }
    }

    /// <summary>For one pass over much memory, that asks for the lines from <paramref name="from"/> on itself: asks the second-level
    /// cache for the first lines of pages that begin a page after them. A processor fetches ahead by itself once it has seen some lines
    /// of a page, and never past the page's end; seen early, a page is fetched while the one before it is read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PagesAfter(byte* from, nint bytes)
    {
        byte* end = from + bytes + Page;
        for (var page = (byte*)(((nuint)from + 2 * (nuint)Page - 1) & ~((nuint)Page - 1)); Sse.IsSupported && page < end; page += Page)
        {
            Far(page, LinesAPage * LineBytes);
        }
    }
}
