using System.Text.Json;
using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests;

/// <summary><c>smol bench</c>: that every figure is there and means what its name says. How large they are is the machine's.</summary>
public sealed class BenchTests
{
    private const string Peer = "llama.cpp";

    [Fact]
    public async Task Bench_Demo_GivesEveryFigureInTheSchema()
    {
        string[] cases = ["prefill-128", "decode-1", "decode-4", "load", "load-ttft-64", "memory"];
        Outcome run = await SmolProcess.RunAsync("bench", TestData.DemoModel, "--cases", string.Join(',', cases), "--pairs", "1", "--threads", "2", "--kv", "q8_0", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using JsonDocument report = JsonDocument.Parse(run.Output);
        JsonElement root = report.RootElement;
        Assert.Equal(["machine", "file", "cases"], Names(root));
        Assert.Equal(TestData.DemoModel, root.GetProperty("file").GetString());
        Assert.Equal(2, root.GetProperty("machine").GetProperty("threads").GetInt32());
        Assert.Equal("Q8_0", root.GetProperty("machine").GetProperty("kv").GetString());
        Assert.True(root.GetProperty("machine").GetProperty("bus").GetProperty("readGigabytesPerSecond").GetDouble() > 0);
        Assert.Equal(cases, root.GetProperty("cases").EnumerateArray().Select(static row => row.GetProperty("name").GetString()));
        foreach (JsonElement row in root.GetProperty("cases").EnumerateArray())
        {
            Assert.Equal(["name", "unit", "ours", "peer", "ratio"], Names(row));
            Assert.True(row.GetProperty("ours").GetDouble() > 0, row.ToString());
            Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (row.GetProperty("peer").ValueKind, row.GetProperty("ratio").ValueKind));
        }
    }

    [Fact]
    public async Task Bench_LookupAndFairness_SayWhatTheyWereMeasuredWith()
    {
        Outcome run = await SmolProcess.RunAsync("bench", TestData.DemoModel, "--cases", "lookup,fairness", "--pairs", "1", "--threads", "2", "--pin", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using JsonDocument report = JsonDocument.Parse(run.Output);
        JsonElement[] rows = [.. report.RootElement.GetProperty("cases").EnumerateArray()];
        Assert.Equal(["lookup", "fairness"], rows.Select(static row => row.GetProperty("name").GetString()));
        Assert.All(rows, static row => Assert.True(row.GetProperty("ours").GetDouble() > 0, row.ToString()));
        Assert.Matches("one token in 16 changed; [1-9][0-9]* of [1-9][0-9]* tokens guessed ahead came true", rows[0].GetProperty("note").GetString());
        Assert.Matches("31 users: [0-9]+ ms among themselves, [0-9]+ ms beside one who sends prompts of 1023 tokens", rows[1].GetProperty("note").GetString());
    }

    [Fact]
    public async Task Bench_WithoutSpeculation_NothingIsGuessed()
    {
        Outcome run = await SmolProcess.RunAsync("bench", TestData.DemoModel, "--cases", "lookup", "--pairs", "1", "--no-speculation", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("0 of 0 tokens guessed ahead", run.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bench_ContextTooShort_SkipsTheCaseAndSaysWhy()
    {
        // the demo's context holds 1024 tokens
        Outcome run = await SmolProcess.RunAsync("bench", "demo", "--cases", "ttft-64,prefill-2048,decode-4k", "--pairs", "1");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("prefill-2048: needs 2049 tokens of context", run.Text, StringComparison.Ordinal);
        Assert.Contains("decode-4k: needs 4129 tokens of context", run.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bench_Shape_IsMadeOnceInTheCache()
    {
        using TemporaryFolder folder = TestData.Temporary();
        string[] arguments = ["bench", "tiny:Q8_0", "--cases", "ttft-64", "--pairs", "1", "--json", "--cache", folder.File("cache")];
        Assert.Equal(0, (await SmolProcess.RunAsync(arguments)).ExitCode);
        string model = Assert.Single(Directory.GetFiles(folder.File("cache/models")));
        DateTime made = File.GetLastWriteTimeUtc(model);
        Assert.Equal(0, (await SmolProcess.RunAsync(arguments)).ExitCode);
        Assert.Equal(made, File.GetLastWriteTimeUtc(model));
    }

    [Fact]
    public async Task Bench_Interrupted_LeavesNoContender()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("This test finds a process's children in /proc.");
        await using SmolProcess run = SmolProcess.Start("bench", TestData.TinyModel, "--pairs", "1000");
        int[] workers;
        while ((workers = Workers(run.ProcessId)).Length == 0)
            await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.Equal(0, Signals.Send(run.ProcessId, Signals.Stopping));
        Outcome end = await run.EndAsync();
        Assert.Equal((130, "", "smol: stopped\n"), (end.ExitCode, end.Text, end.Error));
        Assert.All(workers, static worker => Assert.Equal(-1, Signals.Send(worker, 0)));
    }

    [Fact]
    public async Task Bench_AgainstLlamaCpp_GivesRatios()
    {
        foreach (string program in (string[])["node", "npm"])
        {
            if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program))))
                Lacks($"This test needs {program}: apt-get install nodejs npm");
        }

        // The peer's packages outlive the test beside its binaries, as in any cache.
        Outcome run = await SmolProcess.RunAsync("bench", TestData.TinyModel, "--vs", Peer, "--pairs", "1", "--json",
            "--threads", "1", "--cases", "prefill-128,decode-16,lookup,load,load-ttft-64,memory", "--kv", "q8_0", "--cache", Path.Combine(AppContext.BaseDirectory, "bench-cache"));
        if (run.ExitCode == 1 && run.Error.Contains("npm install", StringComparison.Ordinal))
            Lacks($"npm could not install the peer: {run.Error}");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using JsonDocument report = JsonDocument.Parse(run.Output);
        Assert.Equal(Peer, report.RootElement.GetProperty("machine").GetProperty("peer").GetString());
        foreach (JsonElement row in report.RootElement.GetProperty("cases").EnumerateArray())
        {
            if (row.GetProperty("name").GetString() == "lookup")
            {
                Assert.Equal(JsonValueKind.Null, row.GetProperty("peer").ValueKind);
                continue;
            }

            double ours = row.GetProperty("ours").GetDouble(), peer = row.GetProperty("peer").GetDouble();
            Assert.True(ours > 0 && peer > 0, row.ToString());
            Assert.Equal(ours / peer, row.GetProperty("ratio").GetDouble(), tolerance: 0.01 * ours / peer + 0.001);
        }
    }

    private static IEnumerable<string> Names(JsonElement element) => element.EnumerateObject().Select(static property => property.Name);

    private static int[] Workers(int parent)
    {
        // a process's children are listed by the thread that started them
        return [.. Directory.GetDirectories($"/proc/{parent}/task").SelectMany(static thread =>
            File.ReadAllText(Path.Combine(thread, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse))];
    }

    private static void Lacks(string what)
    {
        Assert.False(string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase), what);
        Assert.Skip(what);
    }
}
