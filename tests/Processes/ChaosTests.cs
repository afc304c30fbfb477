namespace SmolCluster.Processes.Tests;

/// <summary>A short run of the program tests/Chaos: silos killed, drained and frozen and a gateway killed under clients that read; and its scenarios that measure no time.
/// <c>dotnet run -c Release --project tests/Chaos -- --runs 200</c> is the long one.</summary>
public sealed class ChaosTests
{
    private static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "SmolCluster.Chaos.dll");

    [Fact]
    public async Task Chaos_OneFaultOfEachKind_LosesRepeatsAndChangesNothing()
    {
        Requirement.Program("redis-server", "apt-get install redis-server");
        Outcome ran = await SmolProcess.RunShellAsync($"dotnet '{Program}' --runs 4 --seed 5");
        Assert.True(ran.ExitCode == 0, ran.Text + ran.Error);
        Assert.Matches(@"\nruns \d+, lost 0, repeated 0, different 0\n$", ran.Text);
    }

    [Theory]
    [InlineData("restart")]
    [InlineData("uneven")]
    [InlineData("tls")]
    [InlineData("trace")]
    [InlineData("stages")]
    [InlineData("idle --conversations 600")]
    public async Task Chaos_Scenario_Holds(string scenario)
    {
        Requirement.Program("redis-server", "apt-get install redis-server");
        Outcome ran = await SmolProcess.RunShellAsync($"dotnet '{Program}' --scenario {scenario}");
        Assert.True(ran.ExitCode == 0, ran.Text + ran.Error);
    }
}
