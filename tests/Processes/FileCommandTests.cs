using System.Globalization;
using System.Text;
using System.Text.Json;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests;

/// <summary>Commands that read and write model files, and those that ask one thing: as a shell sees them.</summary>
public sealed class FileCommandTests
{
    [Fact]
    public async Task Quantize_RandomModel_IsSmallerAndWhole()
    {
        using TemporaryFolder folder = TestData.Temporary();
        await Succeed("random", "tiny:F16", folder.File("f16.gguf"));
        Outcome done = await Succeed("quantize", folder.File("f16.gguf"), folder.File("q4.gguf"), "q4_k_m", "--json");
        using JsonDocument report = JsonDocument.Parse(done.Output);
        Assert.InRange(report.RootElement.GetProperty("bitsPerWeight").GetDouble(), 4.5, 5.5);
        Outcome again = await SmolProcess.RunAsync("quantize", folder.File("f16.gguf"), folder.File("q4.gguf"), "Q4_K_M");
        Assert.Equal(1, again.ExitCode);
        Assert.Contains("--force", again.Error, StringComparison.Ordinal);
        Outcome self = await SmolProcess.RunAsync("quantize", folder.File("f16.gguf"), folder.File("f16.gguf"), "Q4_K_M", "--force");
        Assert.Contains("read and written at once", self.Error, StringComparison.Ordinal);
        Outcome whole = await Succeed("inspect", folder.File("q4.gguf"), "--check", "--context", "777", "--json");
        using JsonDocument facts = JsonDocument.Parse(whole.Output);
        Assert.Equal(4, facts.RootElement.GetProperty("checks").GetArrayLength());
        Assert.Contains(facts.RootElement.GetProperty("memory").EnumerateArray(), static need => need.GetProperty("context").GetInt32() == 777);
    }

    [Fact]
    public async Task Inspect_WeightsThatAreNoNumbers_ExitsWith1()
    {
        using TemporaryFolder folder = TestData.Temporary();
        await Succeed("random", "tiny:F32", folder.File("f32.gguf"));
        byte[] bytes = await File.ReadAllBytesAsync(folder.File("f32.gguf"), TestContext.Current.CancellationToken);
        BitConverter.TryWriteBytes(bytes.AsSpan(^4096), float.NaN);
        await File.WriteAllBytesAsync(folder.File("bad.gguf"), bytes, TestContext.Current.CancellationToken);
        Outcome found = await SmolProcess.RunAsync("inspect", folder.File("bad.gguf"), "--check");
        Assert.Equal(1, found.ExitCode);
        Assert.Contains("no finite number", found.Text, StringComparison.Ordinal);
    }

    /// <summary>The mission's first file: made by a converter that wrote no architecture keys.</summary>
    [Fact]
    public async Task SetMetadata_FileWithoutArchitectureKeys_RunsAfterwards()
    {
        using TemporaryFolder folder = TestData.Temporary();
        string bare = folder.File("bare.gguf"), mended = folder.File("mended.gguf");
        string[] keys;
        using (GgufFile demo = GgufFile.Open(TestData.DemoModel))
            keys = [.. demo.Metadata.Keys.Where(static key => key.StartsWith("smollm3.", StringComparison.Ordinal) || key == "general.architecture")];
        await Succeed(["set-metadata", TestData.DemoModel, bare, .. keys.SelectMany(static key => new[] { "--remove", key })]);
        Outcome refused = await SmolProcess.RunAsync("run", bare, "-p", "Hello", "--temperature", "0");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("general.architecture", refused.Error, StringComparison.Ordinal);

        Outcome set = await Succeed("set-metadata", bare, mended, "--set", "general.architecture=smollm3", "--set", "smollm3.block_count=8",
            "--set", "smollm3.context_length=1024", "--set", "smollm3.embedding_length=256", "--set", "smollm3.feed_forward_length=768",
            "--set", "smollm3.attention.head_count=4", "--set", "smollm3.attention.head_count_kv:u32=2", "--set", "smollm3.attention.layer_norm_rms_epsilon:f32=0.000001",
            "--set", $"smollm3.rope.freq_base:f32={RopeBase()}", "--set", "general.name=Mended");
        Assert.Equal("", set.Error);
        Outcome answered = await Succeed("run", mended, "-p", "Hello", "--temperature", "0");
        Assert.Equal("Hi! What would you like to talk about?", answered.Text.Trim());
    }

    [Theory]
    [InlineData("no KEY=VALUE", "--set", "general.name")]
    [InlineData("u32", "--set", "smollm3.block_count=many")]
    [InlineData("is no type", "--set", "a:u33=1")]
    [InlineData("no JSON array", "--set", "tokenizer.ggml.tokens=[1, 2")]
    [InlineData("there is no metadata key", "--remove", "no.such.key")]
    [InlineData("alignment", "--set", "general.alignment=64")]
    public async Task SetMetadata_Nonsense_ExitsWith1AndWritesNothing(string named, params string[] arguments)
    {
        using TemporaryFolder folder = TestData.Temporary();
        Outcome refused = await SmolProcess.RunAsync(["set-metadata", TestData.TinyModel, folder.File("out.gguf"), .. arguments]);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains(named, refused.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(Path.GetDirectoryName(folder.File("x"))!));
    }

    [Fact]
    public async Task Run_PromptAndPipe_AreOneQuestion()
    {
        Outcome answered = await SmolProcess.RunAsync("Hello"u8.ToArray(), [], "run", "--temperature", "0", "--json");
        using JsonDocument report = JsonDocument.Parse(answered.Output);
        Assert.Equal("Hi! What would you like to talk about?", report.RootElement.GetProperty("answer").GetString()!.Trim());
        Assert.Equal("stop", report.RootElement.GetProperty("finishReason").GetString());
        Outcome cut = await SmolProcess.RunAsync("run", "-p", "Hello", "--temperature", "0", "--max-tokens", "2");
        Assert.Equal(3, cut.ExitCode);
        Outcome both = await SmolProcess.RunAsync(Encoding.UTF8.GetBytes("is a silo?"), [], "run", "-p", "what", "--temperature", "0", "--json");
        using JsonDocument longer = JsonDocument.Parse(both.Output);
        Assert.True(longer.RootElement.GetProperty("promptTokens").GetInt32() > report.RootElement.GetProperty("promptTokens").GetInt32());
        Assert.Contains("there is no prompt", (await SmolProcess.RunAsync("run")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Perplexity_TextOfTheDemosKind_IsFarBelowTheVocabulary()
    {
        using TemporaryFolder folder = TestData.Temporary();
        string text = string.Concat(Enumerable.Repeat("Hi! What would you like to talk about? A silo is a process that hosts grains. ", 40));
        await File.WriteAllTextAsync(folder.File("t.txt"), text, TestContext.Current.CancellationToken);
        Outcome measured = await Succeed("perplexity", "demo", folder.File("t.txt"), "--context", "128", "--json");
        using JsonDocument report = JsonDocument.Parse(measured.Output);
        Assert.InRange(report.RootElement.GetProperty("value").GetDouble(), 1, 400); // of 2048 tokens
        Assert.Equal(report.RootElement.GetProperty("chunks").GetInt32() * 63, report.RootElement.GetProperty("tokens").GetInt32());
        Assert.Contains("one chunk", (await SmolProcess.RunAsync("perplexity", "demo", folder.File("t.txt"), "--context", "1000")).Error + (await SmolProcess.RunAsync("perplexity", "demo", TestData.Path("tokens64.txt"), "--context", "1024")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_Demo_FindsNothingBad()
    {
        Outcome healthy = await SmolProcess.RunAsync("doctor", "--json");
        using JsonDocument findings = JsonDocument.Parse(healthy.Output);
        Assert.True(healthy.ExitCode == 0, healthy.Text);
        JsonElement answer = findings.RootElement.EnumerateArray().Single(static finding => finding.GetProperty("what").GetString() == "answer");
        Assert.Equal("Good", answer.GetProperty("health").GetString());
        Outcome broken = await SmolProcess.RunAsync("doctor", TestData.Path("tokens64.txt"));
        Assert.Equal(1, broken.ExitCode);
        Assert.Contains("BAD", broken.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_Server_TellsReadyAndNothingThere()
    {
        await using SmolProcess server = SmolProcess.Start("serve", "stub", "--port", "0");
        string ready = await server.WaitForLineAsync("answers with");
        string url = ready.Split(' ').First(static word => word.StartsWith("http://", StringComparison.Ordinal));
        Outcome up = await Succeed("status", url);
        Assert.Contains("stub", up.Text, StringComparison.Ordinal);
        await server.TerminateAsync();
        Outcome down = await SmolProcess.RunAsync("status", url);
        Assert.Equal(1, down.ExitCode);
        Assert.Contains("nothing answers", down.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Completion_Suggestions_NameCommandsAndOptions()
    {
        foreach (string shell in (string[])["bash", "zsh", "fish", "pwsh"])
            Assert.Contains("suggest", (await Succeed("completion", shell)).Text, StringComparison.Ordinal);
        Assert.Contains("quantize", (await Succeed("[suggest:8]", "smol qua")).Text, StringComparison.Ordinal);
        Assert.Contains("--imatrix", (await Succeed("[suggest:18]", "smol quantize --im")).Text, StringComparison.Ordinal);
    }

    private static string RopeBase()
    {
        using GgufFile demo = GgufFile.Open(TestData.DemoModel);
        return demo.Metadata.Number("smollm3.rope.freq_base").ToString(CultureInfo.InvariantCulture);
    }

    private static async Task<Outcome> Succeed(params string[] arguments)
    {
        Outcome outcome = await SmolProcess.RunAsync(arguments);
        Assert.True(outcome.ExitCode == 0, $"{string.Join(' ', arguments)}: {outcome.ExitCode}\n{outcome.Text}\n{outcome.Error}");
        return outcome;
    }
}
