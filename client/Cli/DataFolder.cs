namespace SmolCluster.Cli;

/// <summary>Where conversations are kept when nothing else is said: the user's folder for state, as XDG has it.</summary>
internal static class DataFolder
{
    public static string Default()
    {
        string? xdg = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        string state = string.IsNullOrEmpty(xdg) ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "state") : xdg;
        return Path.Combine(state, "smolcluster");
    }
}
