using System.Diagnostics;
using System.Text;
using System.Threading.Channels;
using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests;

/// <summary>What a finished command left behind.</summary>
internal sealed record Outcome(int ExitCode, byte[] Output, string Error)
{
    public string Text => Encoding.UTF8.GetString(Output);
}

/// <summary>The built <c>smol</c> as a real process: the program beside the tests, started by dotnet itself.</summary>
internal sealed class SmolProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly Process _process;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly StringBuilder _seen = new();
    private readonly Task _reading;
    private readonly Task<string> _errors;

    private SmolProcess(ProcessStartInfo start)
    {
        _process = Process.Start(start)!;
        _process.StandardInput.Close();
        _errors = _process.StandardError.ReadToEndAsync();
        _reading = ReadLinesAsync();
    }

    public int ProcessId => _process.Id;

    private static string Dll { get; } = Path.Combine(AppContext.BaseDirectory, "smol.dll");

    /// <summary>Starts a command that keeps running, such as serve.</summary>
    public static SmolProcess Start(params string[] arguments) => new(StartInfo("dotnet", [Dll, .. arguments]));

    /// <summary>Starts lines of a shell at the repository's root.</summary>
    public static SmolProcess StartShell(string lines) => new(StartInfo("bash", ["-c", lines]));

    /// <summary>Runs lines of a shell at the repository's root; the first that fails ends it.</summary>
    public static Task<Outcome> RunShellAsync(string lines) => RunAsync(StartInfo("bash", ["-ec", lines]), []);

    /// <summary>Runs a command to its end.</summary>
    public static Task<Outcome> RunAsync(params string[] arguments) => RunAsync([], [], arguments);

    /// <param name="input">Its whole standard input.</param>
    /// <param name="environment">Added to this process's own.</param>
    public static Task<Outcome> RunAsync(byte[] input, Dictionary<string, string> environment, params string[] arguments)
    {
        ProcessStartInfo start = StartInfo("dotnet", [Dll, .. arguments]);
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        return RunAsync(start, input);
    }

    private static async Task<Outcome> RunAsync(ProcessStartInfo start, byte[] input)
    {
        using var patience = new CancellationTokenSource(Patience);
        using Process process = Process.Start(start)!;
        using var output = new MemoryStream();
        try
        {
            Task copying = process.StandardOutput.BaseStream.CopyToAsync(output, patience.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(patience.Token);
            await FeedAsync(process, input, patience.Token);
            await copying;
            await process.WaitForExitAsync(patience.Token);
            return new Outcome(process.ExitCode, output.ToArray(), await errors);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>The first line of its standard output, from now on, that contains a text.</summary>
    public async Task<string> WaitForLineAsync(string text)
    {
        using var patience = new CancellationTokenSource(Patience);
        await foreach (string line in _lines.Reader.ReadAllAsync(patience.Token))
        {
            _seen.AppendLine(line);
            if (line.Contains(text, StringComparison.Ordinal))
                return line;
        }

        throw new InvalidOperationException($"smol ended without a line with '{text}'. Output:\n{_seen}\nErrors:\n{await _errors}");
    }

    /// <summary>Sends SIGTERM and waits for the end.</summary>
    public async Task<Outcome> TerminateAsync()
    {
        Assert.Equal(0, Signals.Send(_process.Id, Signals.Terminate));
        return await EndAsync();
    }

    public async Task<Outcome> EndAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        await _reading;
        await foreach (string line in _lines.Reader.ReadAllAsync(patience.Token))
            _seen.AppendLine(line);
        return new Outcome(_process.ExitCode, Encoding.UTF8.GetBytes(_seen.ToString()), await _errors);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static ProcessStartInfo StartInfo(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program)
        {
            WorkingDirectory = program == "bash" ? TestData.RepositoryRoot : "",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        // a folder of its own: servers of tests run side by side, and the user's conversations are none of theirs
        start.Environment["XDG_STATE_HOME"] = Path.Combine(Path.GetTempPath(), $"smol-state-{Guid.NewGuid():N}");
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        return start;
    }

    // A command that fails at once may close its input before it has taken all of it.
    private static async Task FeedAsync(Process process, byte[] input, CancellationToken cancellation)
    {
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(input, cancellation);
            process.StandardInput.Close();
        }
        catch (IOException) when (process.HasExited)
        {
            return;
        }
    }

    private async Task ReadLinesAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
            _lines.Writer.TryWrite(line);
        _lines.Writer.Complete();
    }
}
