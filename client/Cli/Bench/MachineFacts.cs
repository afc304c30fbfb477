using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace SmolCluster.Cli.Bench;

/// <summary>The machine, as far as the system tells.</summary>
internal static class MachineFacts
{
    private const string Unknown = "unknown";

    public static string Cpu { get; } =
        Field("/proc/cpuinfo", "model name") ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? $"{Unknown} {RuntimeInformation.ProcessArchitecture}";

    /// <summary>Processes that wanted to run in the last minute, on average; null where the system does not say.</summary>
    public static double? LoadAverage() => File.Exists("/proc/loadavg")
        ? double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture)
        : null;

    /// <summary>Memory of a process that no file backs: heap, stacks, KV cache, repacked weights, and compiled code (which .NET
    /// keeps in shared memory).</summary>
    /// <exception cref="ContenderException">The system does not tell.</exception>
    public static long AnonymousBytes(int processId)
    {
        string status = $"/proc/{processId}/status";
        if (File.Exists(status))
            return Kibibytes(status, "RssAnon") + Kibibytes(status, "RssShmem");
        using Process process = Process.GetProcessById(processId);
        return process.PrivateMemorySize64 is > 0 and var bytes ? bytes : throw new ContenderException("this system does not tell what memory it takes");
    }

    private static long Kibibytes(string path, string name) => Field(path, name) is { } text && text.EndsWith(" kB", StringComparison.Ordinal)
        ? 1024 * long.Parse(text[..^3], CultureInfo.InvariantCulture)
        : throw new ContenderException($"{path} does not tell {name}");

    private static string? Field(string path, string name)
    {
        if (!File.Exists(path))
            return null;
        string? line = File.ReadLines(path).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }
}
