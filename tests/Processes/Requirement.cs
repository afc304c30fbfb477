namespace SmolCluster.Processes.Tests;

/// <summary>What a machine lacks skips a test with a line that says what to install; in CI (CI=true) it fails it.</summary>
internal static class Requirement
{
    public static void Program(string program, string howToGet)
    {
        if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program))))
            Lacks($"This test needs {program}, which is not on this machine: {howToGet}");
    }

    public static void Lacks(string what)
    {
        Assert.False(string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase), what);
        Assert.Skip(what);
    }
}
