using System.Diagnostics;
using SmolCluster.Chaos;
using SmolCluster.Contracts;

namespace SmolCluster.Processes.Tests;

/// <summary>Nodes that are told to end while Redis does not answer.</summary>
public sealed class EndingTests
{
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(7); // asking Redis, writing logs, a machine that others use

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Terminate_RedisHangs_NodesEndInTimeAndSayWhy()
    {
        Requirement.Program("redis-server", "apt-get install redis-server");
        await using var cluster = new ClusterProcesses(logs: null);
        await cluster.StartAsync(silos: 1, gateways: 1, Cancellation);
        cluster.Redis.Process.Signal(ServerProcess.Stop);
        long told = Stopwatch.GetTimestamp();
        foreach (string node in (string[])["silo-1", "gateway-1"])
            cluster[node].Signal(ServerProcess.Terminate);
        foreach (string node in (string[])["silo-1", "gateway-1"])
            await cluster[node].ExitAsync(Cancellation);
        Assert.InRange(Stopwatch.GetElapsedTime(told), TimeSpan.Zero, Liveness.EndLimit + Slack);
        Assert.Contains("does not answer, so that it cannot be written there that the silo leaves", cluster.Log("silo-1"), StringComparison.Ordinal);
    }
}
