namespace SmolCluster.Chaos;

/// <summary>How many tokens a second silos serve whose models take the true time of a step and no processor (stub:paced): one silo,
/// and then all of them.</summary>
internal sealed class ScalingScenario(ClusterProcesses cluster, int silos, TimeSpan time)
{
    private const double LeastShare = 7.5 / 8;

    /// <summary>More than the batch has places, so that one who was sent to a busy silo leaves no other without work.</summary>
    private const int ClientsPerSilo = 40;

    private const int TokensPerAnswer = 256;

    public static IReadOnlyDictionary<string, string> Settings { get; } = new Dictionary<string, string> { ["SmolCluster__Models__0__Path"] = "stub:paced" };

    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        var load = new TokenLoad(cluster, "stub-paced", TokensPerAnswer);
        var one = await MeasureAsync(load, 1, cancellation);
        for (int silo = 2; silo <= silos; silo++)
            cluster.AddSilo(Settings);
        await cluster.ReadyAsync(cancellation);
        var all = await MeasureAsync(load, silos, cancellation);
        double growth = all.Rate / one.Rate;
        Console.WriteLine($"1 silo {one.Rate:F1} tokens/s, {silos} silos {all.Rate:F1} tokens/s: {growth:F2} times (at least {LeastShare * silos:F2})");
        return growth >= LeastShare * silos ? 0 : 1;
    }

    /// <summary>Once every batch is full and its prompts are computed.</summary>
    private async Task<Throughput> MeasureAsync(TokenLoad load, int active, CancellationToken cancellation) =>
        await load.DuringAsync(active * ClientsPerSilo, async () =>
        {
            await Task.Delay(time, cancellation);
            return await load.MeasureAsync(time, cancellation);
        }, cancellation);
}
