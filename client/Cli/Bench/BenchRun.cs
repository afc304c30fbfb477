using System.Globalization;
using System.Runtime.InteropServices;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Kernels;

namespace SmolCluster.Cli.Bench;

/// <param name="Pairs">Measurements of each case on each side.</param>
/// <param name="KvType">Of both sides.</param>
internal sealed record BenchPlan(IReadOnlyList<BenchCase> Cases, int Threads, int Pairs, KvType KvType);

/// <summary>Case by case, pair by pair: ours, peer, ours, peer. Neighbours in time share the machine's mood, so a ratio is
/// taken inside each pair and the median over pairs; medians of each side alone would compare different minutes.</summary>
internal sealed class BenchRun(BenchPlan plan, ModelFacts model, Rival ours, Rival? peer)
{
    /// <summary>llama.cpp's own tool makes this many times its one-user rate with 16 and 32 users.</summary>
    public const double PeerBatchGain = 2.2;

    /// <summary>Smaller weights stay in a cache, and the memory bus is no limit for them.</summary>
    private const long SmallestBusBound = 512L << 20;

    private double _bus;

    public async Task<BenchReport> RunAsync(Action<CaseResult> finished, CancellationToken cancellation)
    {
        double? load = MachineFacts.LoadAverage();
        await WarmFileAsync(cancellation);
        _bus = BusProbe.Measure(plan.Threads);
        var results = new List<CaseResult>();
        foreach (BenchCase measured in plan.Cases)
        {
            results.Add(await CaseAsync(measured, cancellation));
            finished(results[^1]);
        }

        var machine = new Machine(MachineFacts.Cpu, Environment.ProcessorCount, Simd.Level.ToString().ToLowerInvariant(),
            GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, RuntimeInformation.OSDescription, RuntimeInformation.FrameworkDescription,
            plan.Threads, plan.KvType.ToString(), load, peer?.Name, new Bus(Math.Round(_bus, 2), model.BytesPerToken, BusShare(results)));
        return new BenchReport(machine, model.Path, results);
    }

    private async Task<CaseResult> CaseAsync(BenchCase measured, CancellationToken cancellation)
    {
        var none = new CaseResult(measured.Name, measured.Unit, null, null, null);
        if (!model.Fits(measured))
            return none with { Skipped = string.Create(CultureInfo.InvariantCulture, $"needs {measured.TokensNeeded} tokens of context; the model has {model.ContextLength}") };
        var mine = new List<double>();
        var others = new List<double>();
        string? problem = null;
        for (int pair = 0; pair < plan.Pairs && problem is null; pair++)
        {
            int[][] prompts = model.RandomPrompts(measured);
            problem = await AddAsync(mine, () => ours.MeasureAsync(measured, prompts, model, cancellation));
            if (problem is null && peer is not null && measured.HasPeer)
                problem = await AddAsync(others, () => PeerAsync(peer, measured, prompts, cancellation));
            // the bus of the same minutes
            if (measured.Name == BenchCase.OneUser.Name)
                _bus = Math.Max(_bus, BusProbe.Measure(plan.Threads));
        }

        return none with
        {
            Ours = Rounded(Figures.Median(mine)),
            Peer = Rounded(Figures.Median(others)),
            Ratio = Rounded(Figures.Median([.. mine.Zip(others, static (own, other) => own / other)])),
            Skipped = problem,
            Note = problem is null && ours.LastReply is { } last ? CaseNote.Of(measured, last) : null,
        };
    }

    private async Task<double> PeerAsync(Rival rival, BenchCase measured, int[][] prompts, CancellationToken cancellation) => measured.PeerIsDerived
        ? PeerBatchGain * await rival.MeasureAsync(BenchCase.OneUser, prompts[..1], model, cancellation)
        : await rival.MeasureAsync(measured, prompts, model, cancellation);

    private static async Task<string?> AddAsync(List<double> values, Func<Task<double>> measure)
    {
        try
        {
            values.Add(await measure());
            return null;
        }
        catch (ContenderException failure)
        {
            return failure.Message;
        }
    }

    private double? BusShare(List<CaseResult> results) =>
        model.BytesPerToken >= SmallestBusBound && results.Find(static result => result.Name == BenchCase.OneUser.Name)?.Ours is { } rate
            ? Rounded(rate * model.BytesPerToken / (_bus * 1e9))
            : null;

    // "load" is of a file in the page cache
    private async Task WarmFileAsync(CancellationToken cancellation)
    {
        using var file = new FileStream(model.Path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan | FileOptions.Asynchronous);
        await file.CopyToAsync(Stream.Null, 1 << 20, cancellation);
    }

    private static double? Rounded(double? value) => value is { } figure ? Math.Round(figure, 3) : null;
}
