using System.Runtime.InteropServices;

namespace SmolCluster.Cli;

/// <summary>Ctrl-C or SIGTERM while a file is written: the work is told and takes its partial file away before the program ends.</summary>
internal sealed class Interruption : IDisposable
{
    /// <summary>A shell's code for a program that Ctrl-C ended.</summary>
    public const int ExitCode = 130;

    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration _interrupt, _terminate;

    public Interruption()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    }

    public CancellationToken Token => _stop.Token;

    /// <summary>Runs work that can be interrupted; says so when it was.</summary>
    public static async Task<int> RunAsync(Func<CancellationToken, Task<int>> work)
    {
        using var interruption = new Interruption();
        try
        {
            return await work(interruption.Token);
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            Console.Error.WriteLine("smol: stopped");
            return ExitCode;
        }
    }

    /// <summary>Work that asks for no token but reports, and cleans up when that throws.</summary>
    public static IProgress<double> Stoppable(IProgress<double> inner, CancellationToken cancellation) => new StoppableProgress(inner, cancellation);

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _stop.Dispose();
    }

    private void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        _stop.Cancel();
    }

    private sealed class StoppableProgress(IProgress<double> inner, CancellationToken cancellation) : IProgress<double>
    {
        public void Report(double value)
        {
            cancellation.ThrowIfCancellationRequested();
            inner.Report(value);
        }
    }
}
