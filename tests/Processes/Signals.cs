using System.Runtime.InteropServices;

namespace SmolCluster.Processes.Tests;

/// <summary>POSIX signals, which System.Diagnostics.Process cannot send.</summary>
internal static partial class Signals
{
    public const int Interrupt = 2;
    public const int Terminate = 15;

    /// <returns>0, or -1 when there is no such process.</returns>
    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Send(int process, int signal);
}
