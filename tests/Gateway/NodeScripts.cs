using System.Diagnostics;

namespace SmolCluster.Gateway.Tests;

/// <summary>Runs the scripts of tests/Gateway/clients with their locked packages, installed once beside the test's binaries.
/// What a machine lacks skips the test with a line that says what to install; in CI (CI=true) it fails it.</summary>
internal static class NodeScripts
{
    private static readonly string Source = Path.Combine(Repository.Root, "tests", "Gateway", "clients");
    private static readonly string Installed = Path.Combine(AppContext.BaseDirectory, "clients");
    private static readonly Lazy<Task<string?>> Installation = new(InstallAsync);

    /// <returns>What it printed.</returns>
    public static async Task<string> RunAsync(string script, IReadOnlyDictionary<string, string> variables)
    {
        string node = Require("node", "apt-get install nodejs npm");
        Require("npm", "apt-get install npm");
        if (await Installation.Value is { } problem)
            Lacks($"npm ci could not install the packages of tests/Gateway/clients: {problem}");
        var (exitCode, output) = await ExecuteAsync(node, ["--test", "--test-reporter=spec", "--test-timeout=300000", script], variables);
        Assert.True(exitCode == 0, output);
        return output;
    }

    /// <returns>The program's path.</returns>
    public static string Require(string program, string howToGet)
    {
        string? found = Path.IsPathRooted(program) ? (File.Exists(program) ? program : null)
            : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
                .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
        if (found is null)
            Lacks($"This test needs {program}, which is not on this machine: {howToGet}");
        return found!;
    }

    private static void Lacks(string what)
    {
        Assert.False(string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase), what);
        Assert.Skip(what);
    }

    /// <returns>Why it failed, or null.</returns>
    private static async Task<string?> InstallAsync()
    {
        Directory.CreateDirectory(Installed);
        foreach (string file in Directory.GetFiles(Source, "*.mjs").Concat(Directory.GetFiles(Source, "generated-*.json")))
            File.Copy(file, Path.Combine(Installed, Path.GetFileName(file)), overwrite: true);
        string source = Path.Combine(Source, "package-lock.json");
        string stamp = Path.Combine(Installed, "node_modules", ".installed");
        if (File.Exists(stamp) && await File.ReadAllTextAsync(stamp) == await File.ReadAllTextAsync(source))
            return null;
        foreach (string name in new[] { "package.json", "package-lock.json" })
            File.Copy(Path.Combine(Source, name), Path.Combine(Installed, name), overwrite: true);
        var (exitCode, output) = await ExecuteAsync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], new Dictionary<string, string>());
        if (exitCode != 0)
            return output;
        File.Copy(source, stamp, overwrite: true);
        return null;
    }

    private static async Task<(int ExitCode, string Output)> ExecuteAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> variables)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Installed,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            return (process.ExitCode, await output + await errors);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }
}
