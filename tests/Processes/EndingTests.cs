using System.Diagnostics;
using SmolCluster.Chaos;
using SmolCluster.Contracts;

namespace SmolCluster.Processes.Tests;

/// <summary>A silo that is told to end while Redis does not answer.</summary>
public sealed class EndingTests
{
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(7); // asking Redis, writing logs, a machine that others use

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Terminate_RedisHangs_SiloEndsInTimeAndSaysWhy()
    {
        Requirement.Program("redis-server", "apt-get install redis-server");
        await using var cluster = new ClusterProcesses(logs: null);
        await cluster.StartAsync(silos: 1, gateways: 0, Cancellation);
        cluster.Redis.Process.Signal(ServerProcess.Stop);
        long told = Stopwatch.GetTimestamp();
        cluster["silo-1"].Signal(ServerProcess.Terminate);
        await cluster["silo-1"].ExitAsync(Cancellation);
        Assert.Equal(1, cluster["silo-1"].ExitCode);
        Assert.InRange(Stopwatch.GetElapsedTime(told), TimeSpan.Zero, Liveness.EndLimit + Slack);
        Assert.Contains("does not answer, so that it cannot be written there that the silo leaves", cluster.Log("silo-1"), StringComparison.Ordinal);
    }
}
