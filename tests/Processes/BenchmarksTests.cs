using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests;

/// <summary>The micro-benchmarks: that they run and say what share of the machine's limits they reach. How large it is, is the machine's.</summary>
public sealed class BenchmarksTests
{
    /// <summary>This build's own, Debug or Release, in the same place under its project.</summary>
    private static string Program { get; } = Path.Combine(TestData.RepositoryRoot, "tests", "Benchmarks",
        Path.GetRelativePath(Path.Combine(TestData.RepositoryRoot, "tests", "Processes"), AppContext.BaseDirectory), "SmolCluster.Benchmarks.dll");

    [Fact]
    public async Task Benchmarks_QuickAndFewOfThem_GiveRatesAndShares()
    {
        Outcome run = await SmolProcess.RunShellAsync($"dotnet {Program} --quick --filter '*ForkJoin*' '*BatchProduct*Q8_0, Tokens: 2,*' '*OneTokenProduct*Q8_0*'");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        string[] rows = run.Text.Split('\n');
        Assert.Equal(4, rows.Count(static row => row.StartsWith("| Region ", StringComparison.Ordinal)));
        string[] products = [.. rows.Where(static row => row.StartsWith("| Multiply ", StringComparison.Ordinal))];
        Assert.Equal(3, products.Length); // one of a batch, one token with one and with two threads
        Assert.All(products, static row => Assert.Matches(@"\d \|.*\d %", row));
    }
}
