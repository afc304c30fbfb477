using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests;

/// <summary>What <c>smol serve</c> takes of a machine's memory beside the model's file and the KV pages: runtime, Orleans, web
/// server, vocabulary, step buffers. 133 MB where this was written, 181 before the dashboard was made at its first visit.</summary>
public sealed class MemoryTests
{
    private const long MostKibibytesBeside = 160_000;

    // of the tiny model, in F16: layers, key and value, heads, head length, bytes
    private const long KvBytesAToken = 8 * 2 * 2 * 64 * 2;
    private const int PageTokens = 64;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Serve_LongPrompt_TakesLittleBesideFileAndPages()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("This test reads /proc.");
        await using SmolProcess server = SmolProcess.Start("serve", TestData.TinyModel, "--port", "0", "--threads", "2", "--kv-memory", "64");
        string url = (await server.WaitForLineAsync("page")).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1].TrimEnd('/');
        Assert.Contains("keys and values take up to 64.0 MiB", await server.WaitForLineAsync("memory"), StringComparison.Ordinal);
        await server.WaitForLineAsync("ready");
        long tokens = await AskAsync(url, string.Concat(Enumerable.Repeat("the rain in spain ", 430)));
        Assert.InRange(tokens, 3000, 4096);
        long pages = (tokens + PageTokens - 1) / PageTokens * PageTokens * KvBytesAToken / 1024;
        long file = Kibibytes($"/proc/{server.ProcessId}/smaps", TestData.TinyModel);
        long resident = long.Parse(Regex.Match(await File.ReadAllTextAsync($"/proc/{server.ProcessId}/status", Cancellation), @"VmRSS:\s+(\d+) kB").Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.True(file > 0, "The model's file is not mapped.");
        Assert.InRange(resident - file - pages, 0, MostKibibytesBeside);
    }

    private static async Task<long> AskAsync(string url, string question)
    {
        using var http = new HttpClient();
        using HttpResponseMessage response = await http.PostAsJsonAsync($"{url}/v1/chat/completions",
            new { model = "tiny-Q4_K_M", max_tokens = 4, messages = (object[])[new { role = "user", content = question }] }, Cancellation);
        JsonElement body = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.True(response.IsSuccessStatusCode, body.ToString());
        return body.GetProperty("usage").GetProperty("total_tokens").GetInt64();
    }

    /// <summary>Resident memory of all mappings of a file.</summary>
    private static long Kibibytes(string smaps, string file)
    {
        long sum = 0;
        bool inside = false;
        foreach (string line in File.ReadLines(smaps))
        {
            if (Regex.IsMatch(line, "^[0-9a-f]+-[0-9a-f]+ "))
                inside = line.EndsWith(file, StringComparison.Ordinal);
            else if (inside && line.StartsWith("Rss:", StringComparison.Ordinal))
                sum += long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        }

        return sum;
    }
}
