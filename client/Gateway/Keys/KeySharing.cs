using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Keys;

/// <summary>Tells the cluster four times a second what keys that have limits use here, and hears what they use elsewhere. While the cluster does
/// not answer, this gateway counts alone, and tells all of it later; what was heard and not answered counts twice then.</summary>
internal sealed class KeySharing(KeyUsages usages, IGrainFactory grains, TimeProvider time, ILogger<KeySharing> logger) : BackgroundService
{
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(250);

    /// <summary>Of a key that nobody used for so long, others are asked before its next request begins; in between, the rhythm is enough.</summary>
    private static readonly TimeSpan Lately = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(1);

    private readonly string gateway = Guid.NewGuid().ToString("N");
    private volatile bool alone;

    /// <summary>Before a request of this key begins: hears of the others, if it has not lately.</summary>
    public Task CatchUpAsync(string key, KeyUsage usage) => usage.IsUsed(Lately) ? Task.CompletedTask : ShareAsync(key, usage);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var often = new PeriodicTimer(Often, time);
        while (await often.WaitForNextTickAsync(stoppingToken))
            await Task.WhenAll(usages.All.Where(each => each.Usage.IsUsed(Lately)).Select(each => ShareAsync(each.Key, each.Usage)));
    }

    private async Task ShareAsync(string key, KeyUsage usage)
    {
        if (usage.Limits == new KeyLimits() || usage.Report() is not { } report)
            return;
        KeyShare? share = null;
        try
        {
            share = await grains.GetGrain<IKeyGrain>(key).Share(gateway, report).WaitAsync(LongestAnswer, time);
        }
        catch (Exception problem) // whatever it is: this gateway counts on alone, and says so once
        {
            if (!alone)
                logger.LogWarning("What the key {Key} uses could not be shared: {Problem} Until it can, each gateway counts limits alone", key, problem.Message);
        }
        alone = share is null;
        usage.Hear(report, share);
    }
}
