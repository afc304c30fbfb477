using System.Diagnostics;

namespace SmolCluster.Cli.Bench;

/// <summary>One side of the comparison. Keeps one process with the model loaded and warm for all cases that need no new one;
/// after a failure the next case starts another.</summary>
/// <param name="name">As the table names it.</param>
/// <param name="start">How its process is started.</param>
internal sealed class Rival(string name, Func<ProcessStartInfo> start) : IAsyncDisposable
{
    private const double MaxDecodeSeconds = 60;
    private const int FloodPrompts = 4; // more than are computed in the time

    private static readonly BenchCase[] s_warmUps =
    [
        new("", Measure.Prefill, PromptTokens: 64),
        new("", Measure.Decode, 4, Window: 12),
    ];

    private Contender? _resident;

    public string Name => name;

    /// <summary>What the last measurement's figure was taken from.</summary>
    public ContenderReply? LastReply { get; private set; }

    /// <summary>One measurement of one case.</summary>
    /// <exception cref="ContenderException">It could not be made; the message names this side.</exception>
    public async Task<double> MeasureAsync(BenchCase measured, int[][] prompts, ModelFacts model, CancellationToken cancellation)
    {
        try
        {
            if (measured.Measure is Measure.Load or Measure.Start or Measure.Memory)
                return await MeasureNewAsync(measured, prompts, model, cancellation);
            Contender contender = await ResidentAsync(model, cancellation);
            ContenderReply reply = await contender.GenerateAsync(Request(measured, prompts, model), cancellation);
            LastReply = reply;
            return Figures.Of(measured, reply);
        }
        catch (ContenderException failure)
        {
            await StopAsync();
            throw new ContenderException($"{name}: {failure.Message}");
        }
    }

    public ValueTask DisposeAsync() => StopAsync();

    private static ContenderRequest Request(BenchCase measured, int[][] prompts, ModelFacts model) =>
        new(prompts, measured.MaxTokens(model.ContextLength), measured.Window, MaxDecodeSeconds, model.EndOfGeneration)
        {
            Replays = measured.Measure == Measure.Lookup ? Array.ConvertAll(prompts, model.Edited) : null,
            Flood = measured.Measure == Measure.Fairness ? model.RandomPrompts(FloodPrompts, BenchCase.FloodTokens(model.ContextLength)) : null,
        };

    // The resident process ends first: two copies of a large model might not fit.
    private async Task<double> MeasureNewAsync(BenchCase measured, int[][] prompts, ModelFacts model, CancellationToken cancellation)
    {
        await StopAsync();
        await using Contender contender = await Contender.StartAsync(start(), cancellation);
        if (measured.Measure == Measure.Load)
            return contender.LoadMilliseconds;
        ContenderReply reply = await contender.GenerateAsync(Request(measured, prompts, model), cancellation);
        if (measured.Measure == Measure.Start)
            return contender.LoadMilliseconds + Figures.Of(measured, reply);
        return MachineFacts.AnonymousBytes(contender.ProcessId) / (1024.0 * 1024);
    }

    private async Task<Contender> ResidentAsync(ModelFacts model, CancellationToken cancellation)
    {
        if (_resident is not null)
            return _resident;
        _resident = await Contender.StartAsync(start(), cancellation);
        foreach (BenchCase warmUp in s_warmUps.Where(model.Fits))
            await _resident.GenerateAsync(Request(warmUp, model.RandomPrompts(warmUp), model), cancellation);
        return _resident;
    }

    private async ValueTask StopAsync()
    {
        if (_resident is null)
            return;
        await _resident.DisposeAsync();
        _resident = null;
    }
}
