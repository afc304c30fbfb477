namespace SmolCluster.Grains;

/// <summary>Where what is made or fetched once lies: twins of weights, random models to measure with.</summary>
public static class CacheFolder
{
    /// <summary>smolcluster in XDG_CACHE_HOME, or in ~/.cache.</summary>
    public static string Default
    {
        get
        {
            string? xdg = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            string caches = string.IsNullOrEmpty(xdg) ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache") : xdg;
            return Path.Combine(caches, "smolcluster");
        }
    }

    /// <summary>Where twins lie unless configured otherwise.</summary>
    public static string Twins => Path.Combine(Default, "twins");
}
