using System.IO.Hashing;
using System.Text;

namespace SmolCluster.Grains.Placement;

/// <summary>A silo that could take a conversation.</summary>
/// <param name="Name">Its name in the choice; the same for as long as it lives.</param>
/// <param name="Answers">That run there.</param>
/// <param name="FreeShare">Of its KV pages, 0 to 1.</param>
public readonly record struct PlacementCandidate(string Name, int Answers, double FreeShare);

/// <summary>Which silo takes a conversation: the one that its prefix always goes to, for as long as that one is not much busier
/// than the others, else the one with the fewest answers, and of those the one with the most free pages. Pure, so that the
/// policy can be read and tested in one place.</summary>
public static class PlacementChoice
{
    /// <summary>Answers above the least busy silo's at which a cached prefix is no longer worth the wait.</summary>
    private const int Patience = 4;

    /// <summary>Share of free pages under which a silo would have to evict what others wait for.</summary>
    private const double Crowded = 0.1;

    /// <param name="candidates">At least one.</param>
    /// <returns>The index of the chosen one.</returns>
    public static int Of(ReadOnlySpan<PlacementCandidate> candidates, string? prefix)
    {
        int least = LeastBusy(candidates);
        if (prefix is null) return least;
        int home = Home(candidates, prefix);
        bool open = candidates[home].Answers <= candidates[least].Answers + Patience && candidates[home].FreeShare >= Math.Min(Crowded, candidates[least].FreeShare);
        return open ? home : least;
    }

    private static int LeastBusy(ReadOnlySpan<PlacementCandidate> candidates)
    {
        int best = 0;
        for (int i = 1; i < candidates.Length; i++)
        {
            var (one, other) = (candidates[i], candidates[best]);
            if (one.Answers < other.Answers || (one.Answers == other.Answers && one.FreeShare > other.FreeShare)) best = i;
        }
        return best;
    }

    /// <summary>Rendezvous hashing: when a silo comes or goes, only the prefixes that are its own move.</summary>
    private static int Home(ReadOnlySpan<PlacementCandidate> candidates, string prefix)
    {
        (int best, ulong most) = (0, 0);
        for (int i = 0; i < candidates.Length; i++)
        {
            ulong score = XxHash64.HashToUInt64(Encoding.UTF8.GetBytes($"{candidates[i].Name}\n{prefix}"));
            if (score > most) (best, most) = (i, score);
        }
        return best;
    }
}
