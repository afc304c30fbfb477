using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace SmolCluster.Cli.Bench;

/// <summary>llama.cpp as npm has it prebuilt: installed once into the cache folder, without its builds for graphics cards.</summary>
internal static class LlamaCppPeer
{
    public const string Name = "llama.cpp";

    private const string Package = "node-llama-cpp";
    private const string Version = "3.22.1";
    private const string Script = "LlamaCppPeer.mjs";
    private const string Advice = "Install Node.js 20 or newer (https://nodejs.org, or the packages nodejs and npm of your system), or leave --vs out.";

    /// <exception cref="CommandFailure">Node.js or npm is missing, or the package cannot be installed.</exception>
    public static async Task<Rival> CreateAsync(string cacheFolder, ModelFacts model, BenchPlan plan, CancellationToken cancellation)
    {
        await RunAsync("node", ["--version"], Environment.CurrentDirectory, cancellation);
        string folder = Path.Combine(cacheFolder, "peers", $"{Package}-{Version}");
        if (!Directory.Exists(folder))
            await InstallAsync(folder, cancellation);
        string script = Path.Combine(folder, Script);
        using (Stream source = typeof(LlamaCppPeer).Assembly.GetManifestResourceStream(Script)!)
        using (FileStream target = File.Create(script))
            await source.CopyToAsync(target, cancellation);
        return new Rival(Name, () => new ProcessStartInfo("node", [script, model.Path, $"{plan.Threads}", $"{plan.KvType}"]));
    }

    // Beside its place and then renamed, so that a folder that is there is complete.
    private static async Task InstallAsync(string folder, CancellationToken cancellation)
    {
        if (!Console.IsErrorRedirected)
            Console.Error.WriteLine($"installing {Package} {Version} into {folder} (once)");
        string partial = $"{folder}.partial-{Environment.ProcessId}";
        try
        {
            Directory.CreateDirectory(partial);
            await File.WriteAllTextAsync(Path.Combine(partial, "package.json"), "{\"private\": true}", cancellation);
            await RunAsync(OperatingSystem.IsWindows() ? "npm.cmd" : "npm",
                ["install", $"{Package}@{Version}", $"@{Package}/{Platform()}@{Version}", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"],
                partial, cancellation);
            if (!Directory.Exists(folder)) // another bench may have been faster
                Directory.Move(partial, folder);
        }
        finally
        {
            if (Directory.Exists(partial))
                Directory.Delete(partial, recursive: true);
        }
    }

    /// <summary>As the package names its builds for the processor.</summary>
    private static string Platform() => (OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "mac" : "linux", RuntimeInformation.OSArchitecture) switch
    {
        ("mac", Architecture.Arm64) => "mac-arm64-metal",
        var (system, architecture) => $"{system}-{architecture.ToString().ToLowerInvariant()}",
    };

    private static async Task RunAsync(string program, string[] arguments, string folder, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["NODE_LLAMA_CPP_SKIP_DOWNLOAD"] = "true";
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            throw new CommandFailure($"--vs {Name} needs '{program}', which is not on the PATH. {Advice}");
        }

        using (process)
        {
            try
            {
                Task<string> output = process.StandardOutput.ReadToEndAsync(cancellation);
                string errors = await process.StandardError.ReadToEndAsync(cancellation);
                await process.WaitForExitAsync(cancellation);
                if (process.ExitCode != 0)
                    throw new CommandFailure($"'{program} {string.Join(' ', arguments)}' failed: {string.Join(' ', (await output + errors).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).TakeLast(4))}");
            }
            finally
            {
                if (!process.HasExited)
                    process.Kill(entireProcessTree: true);
            }
        }
    }
}
