using System.Net;
using System.Net.Http.Headers;
using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests;

/// <summary><c>smol keys</c> and a server that uses them.</summary>
public sealed class KeysTests
{
    private static readonly HttpClient s_http = new();

    [Fact]
    public async Task Keys_AddServeRevoke_ServerFollows()
    {
        using TemporaryFolder folder = TestData.Temporary();
        string file = folder.File("keys.json");
        Outcome added = await SmolProcess.RunAsync("keys", "add", "alice", "--keys", file, "--requests-per-minute", "60");
        Assert.Equal(0, added.ExitCode);
        string key = added.Text.TrimEnd();
        Assert.StartsWith("sk-smol-", key, StringComparison.Ordinal);
        Outcome twice = await SmolProcess.RunAsync("keys", "add", "alice", "--keys", file);
        Assert.Equal((1, ""), (twice.ExitCode, twice.Text));
        Outcome listed = await SmolProcess.RunAsync("keys", "list", "--keys", file);
        Assert.Contains("alice", listed.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(key[^40..], listed.Text, StringComparison.Ordinal);

        await using SmolProcess server = SmolProcess.Start("serve", "stub", "--port", "0", "--keys", file);
        string url = (await server.WaitForLineAsync("page")).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1].TrimEnd('/');
        await server.WaitForLineAsync("ready");
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(url, null));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(url, key));
        Assert.Equal(0, (await SmolProcess.RunAsync("keys", "revoke", "alice", "--keys", file)).ExitCode);
        using var often = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (await StatusAsync(url, key) != HttpStatusCode.Unauthorized)
            await often.WaitForNextTickAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Serve_BeyondThisMachineWithoutKeys_ExitsWith1AndSaysHow()
    {
        Outcome refused = await SmolProcess.RunAsync("serve", "stub", "--port", "0", "--host", "0.0.0.0");
        Assert.Equal((1, ""), (refused.ExitCode, refused.Text));
        Assert.Contains("smol keys add", refused.Error, StringComparison.Ordinal);
    }

    private static async Task<HttpStatusCode> StatusAsync(string url, string? key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{url}/v1/models");
        request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        using HttpResponseMessage response = await s_http.SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }
}
