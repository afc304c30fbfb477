using System.Diagnostics;
using System.Reflection;

namespace SmolCluster.Chaos;

/// <summary>Every silo is drained and started again, one after the other, while OpenAI's own client asks without trying again:
/// no request fails.</summary>
internal sealed class RollingScenario(ClusterProcesses cluster, IReadOnlyList<Question> questions, int clients)
{
    private static readonly string Scripts = Path.Combine(
        typeof(RollingScenario).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "RepositoryRoot").Value!, "tests", "Gateway", "clients");

    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        string folder = Directory.CreateTempSubdirectory("smol-rolling-").FullName;
        foreach (string file in new[] { "package.json", "package-lock.json" })
            File.Copy(Path.Combine(Scripts, file), Path.Combine(folder, file));
        File.Copy(Path.Combine(AppContext.BaseDirectory, "load.mjs"), Path.Combine(folder, "load.mjs"));
        await RunToEndAsync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder, cancellation);
        using var load = Start("node", ["load.mjs", .. cluster.Gateways.Select(cluster.Url)], folder);
        var report = load.StandardOutput.ReadToEndAsync(cancellation);
        try
        {
            foreach (string silo in cluster.Silos)
            {
                await Task.Delay(2000, cancellation);
                cluster[silo].Signal(ServerProcess.Terminate);
                await cluster.RestartAsync(silo, cancellation);
                await cluster.ReadyAsync(cancellation);
                Console.WriteLine($"{silo} was drained and started again");
            }
        }
        finally
        {
            load.StandardInput.Close();
        }
        await load.WaitForExitAsync(cancellation);
        Console.Write(await report);
        Directory.Delete(folder, recursive: true);
        return load.ExitCode;
    }

    private Process Start(string program, IEnumerable<string> arguments, string folder)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["SMOL_CLIENTS"] = $"{clients}";
        start.Environment["SMOL_QUESTIONS"] = $"[{string.Join(',', questions.Select(question => question.Body.ToJsonString()))}]";
        return Process.Start(start)!;
    }

    private async Task RunToEndAsync(string program, IEnumerable<string> arguments, string folder, CancellationToken cancellation)
    {
        using var process = Start(program, arguments, folder);
        string output = await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} failed: {output}");
    }
}
