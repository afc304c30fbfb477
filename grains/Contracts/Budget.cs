namespace SmolCluster.Contracts;

/// <summary>So many units a period, refilled evenly. What something costs may be known only afterwards, so a budget can go into debt,
/// which is worked off before the next one is let in; the limiters of System.Threading.RateLimiting cannot. Not thread-safe.</summary>
public sealed class Budget(long capacity, TimeSpan period, TimeProvider time)
{
    private double level = capacity;
    private long counted = time.GetTimestamp();

    public long Capacity => capacity;

    /// <summary>Units left now; below 0: a debt.</summary>
    public double Level
    {
        get
        {
            level = Math.Min(capacity, level + (time.GetElapsedTime(counted) / period * capacity));
            counted = time.GetTimestamp();
            return level;
        }
        set
        {
            level = Math.Min(capacity, value);
            counted = time.GetTimestamp();
        }
    }

    /// <summary>Whole units that are left; not below 0.</summary>
    public long Remaining => (long)Math.Max(0, Math.Floor(Level + 1e-9));

    /// <summary>Until it is full.</summary>
    public TimeSpan UntilFull => Until(capacity);

    /// <summary>Until something may be taken; zero: now.</summary>
    public TimeSpan UntilOpen => Until(1);

    public void Take(long units) => Level -= units;

    private TimeSpan Until(double wanted) => Level + 1e-9 >= wanted ? TimeSpan.Zero : (wanted - level) / capacity * period;
}
