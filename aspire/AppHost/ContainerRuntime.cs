using System.ComponentModel;
using System.Diagnostics;

namespace SmolCluster.AppHost;

/// <summary>Aspire's own Redis is a container. Whether one can be run is asked first, because what Aspire says later is that a resource
/// is unhealthy.</summary>
internal static class ContainerRuntime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <returns>Null: a container can be run.</returns>
    public static string? Problem() => Answers("docker") || Answers("podman") ? null
        : "Redis would be a container, but neither docker nor podman answers here. Start one of them, or name a Redis that is there: "
            + "ConnectionStrings__redis=127.0.0.1:6379 (Debian: apt-get install redis-server).";

    /// <summary>A client without its engine is there on many machines, and answers with an error.</summary>
    private static bool Answers(string runtime)
    {
        try
        {
            using var asked = Process.Start(new ProcessStartInfo(runtime, "info") { RedirectStandardOutput = true, RedirectStandardError = true })!;
            asked.BeginOutputReadLine();
            asked.BeginErrorReadLine();
            if (asked.WaitForExit(Patience))
                return asked.ExitCode == 0;
            asked.Kill(entireProcessTree: true);
            return false;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
