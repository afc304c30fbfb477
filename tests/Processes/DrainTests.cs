using System.Net.Http.Json;
using System.Text.Json;
using SmolCluster.Chaos;
using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests;

/// <summary><c>smol drain</c> against real silos and gateways.</summary>
public sealed class DrainTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Drain_OneOfTwoSilos_WaitsUntilItIsGone()
    {
        Requirement.Program("redis-server", "apt-get install redis-server");
        await using var cluster = new ClusterProcesses(logs: null);
        await cluster.StartAsync(silos: 2, gateways: 1, Cancellation);
        string url = cluster.Url("gateway-1");

        Outcome unknown = await SmolProcess.RunAsync("drain", "silo-9", url, "--yes");
        Assert.Equal(1, unknown.ExitCode);
        Assert.Contains("silo-1, silo-2", unknown.Error, StringComparison.Ordinal);
        Outcome unsure = await SmolProcess.RunAsync("no\n"u8.ToArray(), [], "drain", "silo-2", url);
        Assert.Equal(1, unsure.ExitCode);
        Assert.Equal(["silo-1", "silo-2"], await SilosAsync(url));

        Outcome drained = await SmolProcess.RunAsync("yes\n"u8.ToArray(), [], "drain", "silo-2", url);
        Assert.True(drained.ExitCode == 0, drained.Error);
        Assert.Equal("silo-2 is gone\n", drained.Text);
        Assert.StartsWith("Drain silo-2 (127.0.0.1:", drained.Error, StringComparison.Ordinal);
        Assert.Equal(["silo-1"], await SilosAsync(url));
        await cluster["silo-2"].ExitAsync(Cancellation);
        Assert.Equal(0, cluster["silo-2"].ExitCode);
    }

    [Fact]
    public async Task Drain_ServeWithKeys_NeedsAnAdminsAndEndsIt()
    {
        using TemporaryFolder folder = TestData.Temporary();
        string file = folder.File("keys.json");
        string admin = await KeyAsync(file, "operator", "admin"), user = await KeyAsync(file, "alice", "chat");
        await using SmolProcess server = SmolProcess.Start("serve", "stub", "--port", "0", "--keys", file);
        string url = (await server.WaitForLineAsync("page")).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1].TrimEnd('/');
        await server.WaitForLineAsync("ready");
        string name = Assert.Single(await SilosAsync(url, admin));

        Outcome stranger = await SmolProcess.RunAsync("drain", name, url, "--yes");
        Assert.Equal(1, stranger.ExitCode);
        Assert.Contains("--key", stranger.Error, StringComparison.Ordinal);
        Outcome guest = await SmolProcess.RunAsync("drain", name, url, "--yes", "--key", user);
        Assert.Equal(1, guest.ExitCode);
        Assert.Contains("scope admin", guest.Error, StringComparison.Ordinal);

        Outcome drained = await SmolProcess.RunAsync([], new() { ["SMOL_KEY"] = admin }, "drain", name, url, "--yes");
        Assert.True(drained.ExitCode == 0, drained.Error);
        Assert.Equal(0, (await server.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task Drain_NothingThere_ExitsWith1()
    {
        Outcome refused = await SmolProcess.RunAsync("drain", "silo", "http://127.0.0.1:1", "--yes");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("nothing answers", refused.Error, StringComparison.Ordinal);
    }

    private static async Task<string> KeyAsync(string file, string name, string scope)
    {
        Outcome added = await SmolProcess.RunAsync("keys", "add", name, "--keys", file, "--scope", scope);
        Assert.True(added.ExitCode == 0, added.Error);
        return added.Text.Trim();
    }

    private static async Task<string[]> SilosAsync(string url, string? key = null)
    {
        using var http = new HttpClient();
        if (key is not null)
            http.DefaultRequestHeaders.Authorization = new("Bearer", key);
        JsonElement cluster = await http.GetFromJsonAsync<JsonElement>($"{url}/v1/cluster", Cancellation);
        return [.. cluster.GetProperty("silos").EnumerateArray().Select(static silo => silo.GetProperty("name").GetString()!)];
    }
}
