using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace SmolCluster.Cli.Bench;

/// <summary>A contender could not be measured; the message says why, without a stop.</summary>
internal sealed class ContenderException(string message) : Exception(message);

/// <summary>One running contender: a process with the model loaded that waits for requests without using a processor.</summary>
internal sealed class Contender : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);
    private const int KeptErrorLines = 5;

    private readonly Process _process;
    private readonly Queue<string> _errors = new();

    private Contender(Process process)
    {
        _process = process;
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginErrorReadLine();
    }

    public double LoadMilliseconds { get; private set; }

    public int ProcessId => _process.Id;

    /// <summary>Starts the program and waits until its model is loaded.</summary>
    /// <exception cref="ContenderException">It did not start, or ended before.</exception>
    public static async Task<Contender> StartAsync(ProcessStartInfo start, CancellationToken cancellation)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.StandardOutputEncoding = start.StandardErrorEncoding = Encoding.UTF8;
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception failure)
        {
            throw new ContenderException($"{start.FileName} cannot be started: {failure.Message}");
        }

        var contender = new Contender(process);
        try
        {
            contender.LoadMilliseconds = (await contender.ReplyAsync(cancellation)).Milliseconds;
            return contender;
        }
        catch
        {
            await contender.DisposeAsync();
            throw;
        }
    }

    /// <returns>A reply with times.</returns>
    /// <exception cref="ContenderException">It refused, ended, or took longer than half an hour.</exception>
    public async Task<ContenderReply> GenerateAsync(ContenderRequest request, CancellationToken cancellation)
    {
        try
        {
            await _process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(request, Protocol.Json).AsMemory(), cancellation);
            await _process.StandardInput.FlushAsync(cancellation);
        }
        catch (IOException)
        {
            throw new ContenderException(Obituary());
        }

        ContenderReply reply = await ReplyAsync(cancellation);
        return reply.Times is not null ? reply : throw new ContenderException("it answered without times");
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task<ContenderReply> ReplyAsync(CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        try
        {
            string? line;
            do
            {
                line = await _process.StandardOutput.ReadLineAsync(patience.Token);
            }
            while (line is not null && !line.StartsWith('{')); // a library may have printed a line of its own

            if (line is null)
                throw new ContenderException(Obituary());
            ContenderReply reply = JsonSerializer.Deserialize<ContenderReply>(line, Protocol.Json)!;
            return reply.Error is null ? reply : throw new ContenderException(reply.Error);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new ContenderException($"no answer within {Patience.TotalMinutes:0} minutes");
        }
    }

    private void Keep(string? line)
    {
        if (string.IsNullOrWhiteSpace(line))
            return;
        lock (_errors)
        {
            _errors.Enqueue(line.Trim());
            if (_errors.Count > KeptErrorLines)
                _errors.Dequeue();
        }
    }

    private string Obituary()
    {
        _process.WaitForExit(TimeSpan.FromSeconds(5)); // for what it still had to say
        lock (_errors)
        {
            return "its process ended" + (_errors.Count == 0 ? "" : ": " + string.Join(" | ", _errors));
        }
    }
}
