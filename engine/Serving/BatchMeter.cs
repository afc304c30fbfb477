using System.Diagnostics;
using System.Diagnostics.Metrics;
using SmolCluster.Engine.Caching;

namespace SmolCluster.Engine.Serving;

/// <summary>
/// What a batch loop does, as the meter "SmolCluster.Engine"; every measure is tagged with the model (gen_ai.request.model). Costs
/// next to nothing while nobody listens.
/// <list type="table">
/// <item><term>smolcluster.engine.step.duration</term><description>s a step: forward pass and draws.</description></item>
/// <item><term>smolcluster.engine.step.sequences</term><description>Batch size: sequences in a step.</description></item>
/// <item><term>smolcluster.engine.tokens</term><description>Computed, by smolcluster.phase: prefill, decode.</description></item>
/// <item><term>smolcluster.engine.prompt.tokens</term><description>Of admitted prompts, by smolcluster.cached: true where keys and values
/// were there already.</description></item>
/// <item><term>smolcluster.engine.queue.wait</term><description>s from a request's coming to its place in the batch.</description></item>
/// <item><term>smolcluster.engine.queue.length, .running</term><description>Requests that wait; sequences in the batch.</description></item>
/// <item><term>smolcluster.engine.preemptions</term><description>Sequences that gave their pages up for others.</description></item>
/// <item><term>smolcluster.engine.kv.pages</term><description>By smolcluster.state: used, idle (kept for answers to come), free.</description></item>
/// <item><term>smolcluster.engine.speculation.tokens</term><description>By smolcluster.outcome: accepted, rejected.</description></item>
/// </list>
/// </summary>
internal sealed class BatchMeter : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string Name = "SmolCluster.Engine";

    private static readonly double[] s_seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
    private static readonly int[] s_sequences = [1, 2, 4, 8, 16, 24, 32, 48, 64];

    private readonly Meter _meter = new(Name);
    private readonly KeyValuePair<string, object?> _model;
    private readonly Histogram<double> _stepDuration, _queueWait;
    private readonly Histogram<int> _stepSequences;
    private readonly Counter<long> _tokens, _promptTokens, _preemptions;

    /// <param name="model">Its id.</param>
    /// <param name="pool">Its pages.</param>
    /// <param name="queue">How many wait, and how many run.</param>
    /// <param name="drafts">Tokens guessed so far, and those of them that were drawn.</param>
    public BatchMeter(string model, KvPagePool pool, Func<(int Waiting, int Running)> queue, Func<(long Drafted, long Accepted)> drafts)
    {
        _model = new("gen_ai.request.model", model);
        var seconds = new InstrumentAdvice<double> { HistogramBucketBoundaries = s_seconds };
        _stepDuration = _meter.CreateHistogram("smolcluster.engine.step.duration", "s", "Time of a step of the batch.", null, seconds);
        _queueWait = _meter.CreateHistogram("smolcluster.engine.queue.wait", "s", "Time a request waited for the batch.", null, seconds);
        _stepSequences = _meter.CreateHistogram("smolcluster.engine.step.sequences", "{sequence}", "Sequences in a step.", null,
            new InstrumentAdvice<int> { HistogramBucketBoundaries = s_sequences });
        _tokens = _meter.CreateCounter<long>("smolcluster.engine.tokens", "{token}", "Tokens computed.");
        _promptTokens = _meter.CreateCounter<long>("smolcluster.engine.prompt.tokens", "{token}", "Tokens of admitted prompts.");
        _preemptions = _meter.CreateCounter<long>("smolcluster.engine.preemptions", "{sequence}", "Sequences that gave their pages up.");
        _meter.CreateObservableUpDownCounter("smolcluster.engine.queue.length", () => new Measurement<int>(queue().Waiting, _model), "{request}", "Requests that wait.");
        _meter.CreateObservableUpDownCounter("smolcluster.engine.running", () => new Measurement<int>(queue().Running, _model), "{sequence}", "Sequences in the batch.");
        _meter.CreateObservableUpDownCounter("smolcluster.engine.kv.pages", () => Pages(pool), "{page}", "Pages of keys and values.");
        _meter.CreateObservableCounter("smolcluster.engine.speculation.tokens", () => Speculation(drafts()), "{token}", "Tokens guessed ahead.");
    }

    /// <summary>Before a step: what it is about to compute.</summary>
    public void Begins(IReadOnlyList<(SequenceRun Run, int Tokens)> step)
    {
        if (!_tokens.Enabled)
        {
            return;
        }

        int prefill = step.Sum(static s => s.Run.Pending > 1 ? s.Tokens : 0);
        _tokens.Add(prefill, _model, new("smolcluster.phase", "prefill"));
        _tokens.Add(step.Sum(static s => s.Tokens) - prefill, _model, new("smolcluster.phase", "decode"));
        _stepSequences.Record(step.Count, _model);
    }

    /// <param name="began">By <see cref="Stopwatch"/>.</param>
    public void Ended(long began)
    {
        if (_stepDuration.Enabled)
        {
            _stepDuration.Record(Stopwatch.GetElapsedTime(began).TotalSeconds, _model);
        }
    }

    /// <summary>A request has come into the batch, for the first time, with what is cached of its prompt.</summary>
    public void Admitted(SequenceRun run)
    {
        int cached = Math.Min(run.Cache.Length, run.Request.PromptLength);
        _queueWait.Record(Stopwatch.GetElapsedTime(run.Submitted).TotalSeconds, _model);
        _promptTokens.Add(cached, _model, new("smolcluster.cached", true));
        _promptTokens.Add(run.Request.PromptLength - cached, _model, new("smolcluster.cached", false));
    }

    public void Preempted() => _preemptions.Add(1, _model);

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<int>> Pages(KvPagePool pool)
    {
        int idle = pool.Index?.IdleCount ?? 0, used = pool.Used; // idle ones are not among the used
        yield return new(used, _model, new("smolcluster.state", "used"));
        yield return new(idle, _model, new("smolcluster.state", "idle"));
        yield return new(pool.Capacity - used - idle, _model, new("smolcluster.state", "free"));
    }

    private IEnumerable<Measurement<long>> Speculation((long Drafted, long Accepted) drafts)
    {
        yield return new(drafts.Accepted, _model, new("smolcluster.outcome", "accepted"));
        yield return new(drafts.Drafted - drafts.Accepted, _model, new("smolcluster.outcome", "rejected"));
    }
}
