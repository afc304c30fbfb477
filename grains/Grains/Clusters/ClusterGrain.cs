using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using SmolCluster.Contracts;

namespace SmolCluster.Grains.Clusters;

/// <summary>See <see cref="IClusterGrain"/>. Asks every silo anew each time, all at once and with a bounded wait.</summary>
[Reentrant]
internal sealed class ClusterGrain(ModelHostClient hosts, TimeProvider time, ILogger<ClusterGrain> logger) : Grain, IClusterGrain
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    public async Task<IReadOnlyList<SiloView>> View()
    {
        var members = await GrainFactory.GetGrain<IManagementGrain>(0).GetDetailedHosts(onlyActive: false);
        var shown = members.Where(member => member.Status is SiloStatus.Joining or SiloStatus.Active or SiloStatus.ShuttingDown or SiloStatus.Stopping);
        return [.. (await Task.WhenAll(shown.Select(ViewOf))).OrderBy(silo => silo.Name, StringComparer.Ordinal).ThenBy(silo => silo.Address, StringComparer.Ordinal)];
    }

    public async Task<bool> Drain(string silo)
    {
        var members = await GrainFactory.GetGrain<IManagementGrain>(0).GetDetailedHosts(onlyActive: true);
        if (members.FirstOrDefault(member => member.SiloName == silo) is not { } member) return false;
        logger.LogWarning("Silo {Silo} is told to leave the cluster", silo);
        await hosts.Leave(member.SiloAddress);
        return true;
    }

    private async Task<SiloView> ViewOf(MembershipEntry member)
    {
        var view = new SiloView(member.SiloName, member.SiloAddress.Endpoint.ToString(), member.Status.ToString(),
            new DateTimeOffset(DateTime.SpecifyKind(member.StartTime, DateTimeKind.Utc)), false, 0, []);
        if (member.Status != SiloStatus.Active) return view;
        try
        {
            var (models, resident) = await hosts.View(member.SiloAddress).WaitAsync(s_patience, time);
            return view with { Answers = true, Models = models, ResidentBytes = resident };
        }
        catch (Exception problem) when (problem is TimeoutException or OrleansException)
        {
            logger.LogInformation("Silo {Silo} does not tell of its models: {Problem}", member.SiloName, problem.Message);
            return view;
        }
    }
}
