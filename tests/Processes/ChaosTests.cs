namespace SmolCluster.Processes.Tests;

/// <summary>A short run of the program tests/Chaos: silos killed, drained and frozen and a gateway killed under clients that read.
/// <c>dotnet run -c Release --project tests/Chaos -- --runs 200</c> is the long one.</summary>
public sealed class ChaosTests
{
    [Fact]
    public async Task Chaos_OneFaultOfEachKind_LosesRepeatsAndChangesNothing()
    {
        Requirement.Program("redis-server", "apt-get install redis-server");
        string program = Path.Combine(AppContext.BaseDirectory, "SmolCluster.Chaos.dll");
        Outcome ran = await SmolProcess.RunShellAsync($"dotnet '{program}' --runs 8 --seed 5");
        Assert.True(ran.ExitCode == 0, ran.Text + ran.Error);
        Assert.Matches(@"\nruns \d+, lost 0, repeated 0, different 0\n$", ran.Text);
    }
}
