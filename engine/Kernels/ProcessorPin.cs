using System.Numerics;
using System.Runtime.InteropServices;

namespace SmolCluster.Engine.Kernels;

/// <summary>Keeps a thread on one processor, on Linux. Best effort: elsewhere, or where the system refuses, nothing happens.</summary>
internal static unsafe partial class ProcessorPin
{
    private const int MaskWords = 128; // 8192 processors, more than a kernel is built for

    /// <summary>Pins the calling thread to one of the processors that the process may use now; they are counted round.</summary>
    public static bool TryPin(int index)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        ulong* mask = stackalloc ulong[MaskWords];
        new Span<ulong>(mask, MaskWords).Clear();
        if (GetAffinity(Environment.ProcessId, MaskWords * sizeof(ulong), mask) < 0)
        {
            return false;
        }

        int processor = At(new ReadOnlySpan<ulong>(mask, MaskWords), index);
        new Span<ulong>(mask, MaskWords).Clear();
        mask[processor / 64] = 1UL << (processor % 64);
        return SetAffinity(0, MaskWords * sizeof(ulong), mask) == 0; // 0: this thread
    }

    /// <summary>The index-th set bit, counted round.</summary>
    internal static int At(ReadOnlySpan<ulong> mask, int index)
    {
        int count = 0;
        foreach (ulong word in mask)
        {
            count += BitOperations.PopCount(word);
        }

        int left = index % Math.Max(1, count);
        for (int i = 0; i < mask.Length * 64; i++)
        {
            if ((mask[i / 64] >> (i % 64) & 1) != 0 && left-- == 0)
            {
                return i;
            }
        }

        return 0;
    }

    // the main thread's mask, which nothing here changes: what the process was started with
    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nint bytes, ulong* mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nint bytes, ulong* mask);
}
