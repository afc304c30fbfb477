using System.Runtime.InteropServices;

namespace SmolCluster.Processes.Tests;

/// <summary>POSIX signals, which System.Diagnostics.Process cannot send.</summary>
internal static partial class Signals
{
    public const int Interrupt = 2;
    public const int Terminate = 15;

    /// <summary>SIGINT, or SIGTERM where a shell started the tests in the background: children inherit that SIGINT is ignored then.</summary>
    public static int Stopping => InterruptIsIgnored() ? Terminate : Interrupt;

    /// <returns>0, or -1 when there is no such process.</returns>
    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Send(int process, int signal);

    private static bool InterruptIsIgnored()
    {
        string ignored = File.ReadLines("/proc/self/status").First(static line => line.StartsWith("SigIgn:", StringComparison.Ordinal));
        return (Convert.ToUInt64(ignored["SigIgn:".Length..].Trim(), 16) & (1UL << (Interrupt - 1))) != 0;
    }
}
