namespace SmolCluster.Chaos;

/// <summary>What gateways, grains and silos compute for a token: their processor time while canned text streams at a person's reading
/// pace, less what they take while nobody asks; with telemetry, what sending it takes is in it.</summary>
internal sealed class OverheadScenario(ClusterProcesses cluster, TimeSpan time, bool withTelemetry)
{
    private const double MostMilliseconds = 0.3;
    private const double MostWithTelemetry = 0.4;
    private const int Clients = 24;
    private const int TokensPerAnswer = 300;

    public static IReadOnlyDictionary<string, string> Settings { get; } = new Dictionary<string, string> { ["SmolCluster__Models__0__Path"] = "stub" };

    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        var load = new TokenLoad(cluster, "stub", TokensPerAnswer);
        var work = await load.DuringAsync(Clients, async () =>
        {
            await Task.Delay(time * 3, cancellation); // the runtime compiles what turns out to be hot, for most of a minute
            return await load.MeasureAsync(time, cancellation);
        }, cancellation);
        await Task.Delay(time / 4, cancellation);
        var idle = await load.MeasureAsync(time / 2, cancellation);
        double most = withTelemetry ? MostWithTelemetry : MostMilliseconds;
        double each = (work.Busy - idle.Busy) * 1000 / work.Rate;
        Console.WriteLine($"{cluster.Silos.Count} silos and {cluster.Gateways.Count} gateways, {Clients} streams, {work.Rate:F0} tokens/s: "
            + $"{work.Busy:F3} processors, {idle.Busy:F3} idle; {each:F3} ms of processor a token (at most {most:F1})");
        return each <= most ? 0 : 1;
    }
}
