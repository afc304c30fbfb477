using System.Diagnostics;
using System.Runtime.InteropServices;

namespace SmolCluster.Chaos;

/// <summary>A real process of the cluster and the signals it gets. Its output goes to a log file.</summary>
internal sealed partial class ServerProcess : IAsyncDisposable
{
    public const int Kill = 9;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    private readonly Process process;
    private readonly Task logging;

    private ServerProcess(string name, ProcessStartInfo start, string log)
    {
        Name = name;
        process = Process.Start(start)!;
        logging = LogAsync(log);
    }

    public string Name { get; }

    public bool HasExited => process.HasExited;

    public int ExitCode => process.ExitCode;

    public TimeSpan ProcessorTime
    {
        get
        {
            process.Refresh();
            return process.TotalProcessorTime;
        }
    }

    /// <summary>Memory that it holds of the machine's, in bytes.</summary>
    public long Resident
    {
        get
        {
            process.Refresh();
            return process.WorkingSet64;
        }
    }

    public static ServerProcess Start(string name, string logFolder, string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> settings)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (key, value) in settings)
            start.Environment[key] = value;
        return new(name, start, Path.Combine(logFolder, name + ".log"));
    }

    public void Signal(int signal)
    {
        if (!process.HasExited && Send(process.Id, signal) != 0)
            throw new InvalidOperationException($"{Name} did not take signal {signal}.");
    }

    public Task ExitAsync(CancellationToken cancellation) => process.WaitForExitAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            _ = Send(process.Id, Continue);
            process.Kill(entireProcessTree: true);
        }
        await process.WaitForExitAsync();
        await logging;
        process.Dispose();
    }

    private async Task LogAsync(string path)
    {
        await using var file = new StreamWriter(path, append: true) { AutoFlush = true };
        await Task.WhenAll(CopyAsync(process.StandardOutput), CopyAsync(process.StandardError));

        async Task CopyAsync(StreamReader lines)
        {
            while (await lines.ReadLineAsync() is { } line)
                lock (file)
                    file.WriteLine($"{DateTime.Now:HH:mm:ss.fff} {line}");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Send(int process, int signal);
}
