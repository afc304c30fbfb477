using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests;

/// <summary><c>smol serve</c> as people run it: a process, its banner, HTTP, a signal.</summary>
public sealed class ServeTests
{
    private static readonly HttpClient s_http = new() { Timeout = TimeSpan.FromSeconds(100) };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Serve_Demo_AnswersAndStopsOnSigterm()
    {
        await using SmolProcess server = SmolProcess.Start("serve", "--port", "0");
        string url = await UrlAsync(server);
        Assert.Contains("DEMO", await server.WaitForLineAsync("model"), StringComparison.Ordinal);
        Assert.Contains("huggingface.co/ggml-org/SmolLM3-3B-GGUF", await server.WaitForLineAsync("real"), StringComparison.Ordinal);
        await server.WaitForLineAsync("ready");

        using HttpResponseMessage ready = await s_http.GetAsync($"{url}/health/ready", Cancellation);
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        using HttpResponseMessage page = await s_http.GetAsync(url, Cancellation);
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        JsonElement choice = await AskAsync(url, "smolcluster-demo", "What is your name?");
        Assert.Equal("stop", choice.GetProperty("finish_reason").GetString());
        Assert.Contains("Smol Demo", choice.GetProperty("message").GetProperty("content").GetString(), StringComparison.Ordinal);

        Outcome end = await server.TerminateAsync();
        Assert.Equal((0, ""), (end.ExitCode, end.Error));
    }

    [Fact]
    public async Task Serve_ModelFile_AnswersUnderItsName()
    {
        await using SmolProcess server = SmolProcess.Start("serve", TestData.TinyModel, "--port", "0", "--context", "512", "--threads", "1", "--kv", "f32");
        string url = await UrlAsync(server);
        Assert.EndsWith("tiny-Q4_K_M", await server.WaitForLineAsync("model"), StringComparison.Ordinal);
        Assert.Contains("context 512 tokens", await server.WaitForLineAsync("ready"), StringComparison.Ordinal);
        JsonElement choice = await AskAsync(url, "tiny-Q4_K_M", "hello", maxTokens: 8);
        Assert.Equal("length", choice.GetProperty("finish_reason").GetString());
    }

    /// <summary>Threads of the forward pass spin between its regions and must park when no step follows.</summary>
    [Fact]
    public async Task Serve_Idle_ItsThreadsTakeNoProcessorTime()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("This test reads the threads' times in /proc.");
        await using SmolProcess server = SmolProcess.Start("serve", "--port", "0", "--threads", "3");
        string url = await UrlAsync(server);
        await server.WaitForLineAsync("ready");
        await AskAsync(url, "smolcluster-demo", "What is a silo?");
        Dictionary<string, long> before = ProcessorTicks(server.ProcessId);
        await Task.Delay(TimeSpan.FromSeconds(2), Cancellation); // the time that is measured
        Dictionary<string, long> after = ProcessorTicks(server.ProcessId);
        Assert.Equal(["smol-batch", "smol-worker-1", "smol-worker-2"], after.Keys.Order(StringComparer.Ordinal));
        Assert.All(after, thread => Assert.InRange(thread.Value - before[thread.Key], 0, 20)); // of 200
    }

    [Fact]
    public async Task Serve_ContextAboveTheModels_SaysSo()
    {
        await using SmolProcess server = SmolProcess.Start("serve", TestData.TinyModel, "--port", "0", "--context", "999999");
        Assert.Matches(@"context \d+ tokens \(asked 999999: the model's own limit\)", await server.WaitForLineAsync("ready"));
    }

    [Fact]
    public async Task Serve_TwoAtOnce_EachOnItsPort()
    {
        await using SmolProcess one = SmolProcess.Start("serve", "stub", "--port", "0", "--id", "one-stub");
        await using SmolProcess two = SmolProcess.Start("serve", "stub", "--port", "0", "--id", "stub-two");
        foreach ((SmolProcess server, string id) in ((SmolProcess, string)[])[(one, "one-stub"), (two, "stub-two")])
        {
            string url = await UrlAsync(server);
            Assert.Contains("STUB", await server.WaitForLineAsync("model"), StringComparison.Ordinal);
            await server.WaitForLineAsync("ready");
            JsonElement choice = await AskAsync(url, id, "hello");
            Assert.Contains("stub", choice.GetProperty("message").GetProperty("content").GetString(), StringComparison.OrdinalIgnoreCase);
        }

        Assert.Equal(0, (await one.TerminateAsync()).ExitCode);
        Assert.Equal(0, (await two.TerminateAsync()).ExitCode);
    }

    [Fact]
    public async Task Serve_SigtermDuringAnAnswer_StillEndsCleanly()
    {
        await using SmolProcess server = SmolProcess.Start("serve", "stub", "--port", "0");
        string url = await UrlAsync(server);
        await server.WaitForLineAsync("ready");
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{url}/v1/chat/completions")
        {
            Content = JsonContent.Create(new { model = "stub", stream = true, messages = (object[])[new { role = "user", content = "hi" }] }),
        };
        using HttpResponseMessage response = await s_http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation));
        Assert.StartsWith("data:", await FirstEventAsync(lines), StringComparison.Ordinal);
        Assert.Equal(0, (await server.TerminateAsync()).ExitCode);
    }

    [Fact]
    public async Task Serve_PortInUse_ExitsWith1AndOneMessage()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        Outcome refused = await SmolProcess.RunAsync("serve", "stub", "--port", $"{port}");
        Assert.Equal((1, ""), (refused.ExitCode, refused.Text));
        Assert.Equal($"smol: port {port} on 127.0.0.1 is in use, maybe by another smol serve: choose another with --port\n", refused.Error);
    }

    /// <summary>Processor time of the engine's own threads so far, in hundredths of a second.</summary>
    private static Dictionary<string, long> ProcessorTicks(int process)
    {
        Dictionary<string, long> ticks = [];
        foreach (string thread in Directory.GetDirectories($"/proc/{process}/task"))
        {
            try
            {
                // "id (name) state …": user and system time are the 12th and 13th field behind the name
                string stat = File.ReadAllText(Path.Combine(thread, "stat"));
                string name = stat[(stat.IndexOf('(') + 1)..stat.LastIndexOf(')')];
                if (name.StartsWith("smol-", StringComparison.Ordinal))
                    ticks.Add(name, stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[11..13].Sum(long.Parse));
            }
            catch (IOException)
            {
                continue; // a thread of the pool that has ended since
            }
        }

        return ticks;
    }

    private static async Task<string> UrlAsync(SmolProcess server) =>
        (await server.WaitForLineAsync("page")).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1].TrimEnd('/');

    private static async Task<JsonElement> AskAsync(string url, string model, string question, int maxTokens = 64)
    {
        using HttpResponseMessage response = await s_http.PostAsJsonAsync($"{url}/v1/chat/completions", new
        {
            model,
            temperature = 0,
            max_tokens = maxTokens,
            messages = (object[])[new { role = "user", content = question }],
        }, Cancellation);
        JsonElement body = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.True(response.IsSuccessStatusCode, body.ToString());
        return body.GetProperty("choices")[0];
    }

    private static async Task<string?> FirstEventAsync(StreamReader lines)
    {
        string? line = "";
        while (line is not null && !line.StartsWith("data:", StringComparison.Ordinal))
            line = await lines.ReadLineAsync(Cancellation);
        return line;
    }
}
