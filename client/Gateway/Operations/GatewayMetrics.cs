using System.Diagnostics.Metrics;

namespace SmolCluster.Gateway.Operations;

/// <summary>What clients see of answers, in every dialect: the meter "SmolCluster.Gateway". Names, units and bounds are those of
/// OpenTelemetry's conventions for generative AI where they have one; the rest begins with "smolcluster.".
/// <list type="table">
/// <item><term>gen_ai.server.request.duration</term><description>s, from the request to the answer's end; failures with error.type.</description></item>
/// <item><term>gen_ai.server.time_to_first_token</term><description>s, from the request to the first text, queue included.</description></item>
/// <item><term>gen_ai.server.time_per_output_token</term><description>s, mean over an answer's tokens after its first text.</description></item>
/// <item><term>smolcluster.gateway.delta.gap</term><description>s, between two pieces of one answer, failovers included.</description></item>
/// <item><term>smolcluster.gateway.tokens</term><description>by gen_ai.token.type: input, input_cached (of those), output.</description></item>
/// <item><term>smolcluster.gateway.answers.active</term><description>answers on their way.</description></item>
/// </list>
/// Tags: gen_ai.operation.name, gen_ai.provider.name and gen_ai.request.model, which is a model of the cluster and never a word that
/// somebody sent.</summary>
internal sealed class GatewayMetrics : IDisposable
{
    public const string MeterName = "SmolCluster.Gateway";

    private static readonly double[] DurationBounds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
    private static readonly double[] FirstBounds = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
    private static readonly double[] TokenBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];

    private readonly Meter meter;

    public GatewayMetrics(IMeterFactory meters)
    {
        meter = meters.Create(MeterName);
        Duration = Seconds("gen_ai.server.request.duration", "Time from the request to the end of its answer.", DurationBounds);
        TimeToFirstToken = Seconds("gen_ai.server.time_to_first_token", "Time from the request to the first text of its answer.", FirstBounds);
        TimePerToken = Seconds("gen_ai.server.time_per_output_token", "Time a token after the first text, mean of an answer.", TokenBounds);
        Gap = Seconds("smolcluster.gateway.delta.gap", "Time between two pieces of an answer.", TokenBounds);
        Tokens = meter.CreateCounter<long>("smolcluster.gateway.tokens", "{token}", "Tokens of answered requests.");
        Active = meter.CreateUpDownCounter<long>("smolcluster.gateway.answers.active", "{answer}", "Answers on their way to clients.");
    }

    public Histogram<double> Duration { get; }

    public Histogram<double> TimeToFirstToken { get; }

    public Histogram<double> TimePerToken { get; }

    public Histogram<double> Gap { get; }

    public Counter<long> Tokens { get; }

    public UpDownCounter<long> Active { get; }

    public void Dispose() => meter.Dispose();

    private Histogram<double> Seconds(string name, string description, IReadOnlyList<double> bounds) =>
        meter.CreateHistogram(name, "s", description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });
}
