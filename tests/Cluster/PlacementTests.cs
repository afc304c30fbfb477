using SmolCluster.Grains.Placement;

namespace SmolCluster.Cluster.Tests;

/// <summary>The policy of placement, which is a pure function.</summary>
public sealed class PlacementTests
{
    private static readonly PlacementCandidate[] s_idle = [.. Enumerable.Range(0, 4).Select(number => new PlacementCandidate($"silo-{number}", 0, 1))];

    [Fact]
    public void Of_NoPrefix_TakesTheLeastBusyAndOfThoseTheEmptiest()
    {
        PlacementCandidate[] candidates = [new("a", 2, 1), new("b", 1, 0.2), new("c", 1, 0.9)];
        Assert.Equal(2, PlacementChoice.Of(candidates, null));
    }

    [Fact]
    public void Of_Prefix_GoesToTheSameSiloUntilThatOneIsMuchBusier()
    {
        int home = PlacementChoice.Of(s_idle, "prefix");
        var candidates = s_idle.ToArray();
        candidates[home] = candidates[home] with { Answers = 4 };
        Assert.Equal(home, PlacementChoice.Of(candidates, "prefix"));
        candidates[home] = candidates[home] with { Answers = 5 };
        Assert.NotEqual(home, PlacementChoice.Of(candidates, "prefix"));
    }

    [Fact]
    public void Of_Prefix_LeavesASiloWithoutFreePages()
    {
        int home = PlacementChoice.Of(s_idle, "prefix");
        var candidates = s_idle.ToArray();
        candidates[home] = candidates[home] with { FreeShare = 0.05 };
        Assert.NotEqual(home, PlacementChoice.Of(candidates, "prefix"));
    }

    [Fact]
    public void Of_ASiloLeaves_MovesOnlyItsOwnPrefixes()
    {
        string[] prefixes = [.. Enumerable.Range(0, 200).Select(number => $"prefix {number}")];
        foreach (string prefix in prefixes)
        {
            int home = PlacementChoice.Of(s_idle, prefix);
            int without = PlacementChoice.Of(s_idle.AsSpan(0, 3), prefix);
            if (home < 3) Assert.Equal(home, without);
        }
        Assert.Equal(4, prefixes.Select(prefix => PlacementChoice.Of(s_idle, prefix)).Distinct().Count());
    }
}
