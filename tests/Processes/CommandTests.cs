using System.Globalization;
using System.Text;
using System.Text.Json;
using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests;

/// <summary>The commands that end by themselves, as a shell sees them: output, messages, exit codes.</summary>
public sealed class CommandTests
{
    private static string DemoModel => TestData.DemoModel;

    [Theory]
    [InlineData("serve")]
    [InlineData("chat")]
    [InlineData("keys")]
    [InlineData("inspect")]
    [InlineData("tokenize")]
    [InlineData("render")]
    [InlineData("logits")]
    [InlineData("random")]
    [InlineData("bench")]
    [InlineData("run")]
    [InlineData("pull")]
    [InlineData("list")]
    [InlineData("rm")]
    [InlineData("status")]
    [InlineData("drain")]
    [InlineData("doctor")]
    [InlineData("quantize")]
    [InlineData("convert")]
    [InlineData("set-metadata")]
    [InlineData("perplexity")]
    [InlineData("completion")]
    public async Task Help_EveryCommand_ShowsExamples(string command)
    {
        Outcome help = await SmolProcess.RunAsync(command, "--help");
        Assert.Equal((0, ""), (help.ExitCode, help.Error));
        Assert.Contains($"Examples:\n  ", help.Text, StringComparison.Ordinal);
        Assert.Contains($"smol {command}", help.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("'frobnicate'", "frobnicate")]
    [InlineData("--ids", "logits", "x.gguf", "--out", "y.lgt")]
    [InlineData("--port", "serve", "--port", "70000")]
    [InlineData("--host", "serve", "--host", "example.org")]
    [InlineData("--context", "chat", "--context", "0")]
    [InlineData("--id", "serve", "--id")]
    [InlineData("FILE or --template", "render", "--context", "c.json")]
    [InlineData("--now", "render", "x.gguf", "--context", "c.json", "--now", "yesterday")]
    [InlineData("SHAPE", "random", "gigantic", "x.gguf")]
    [InlineData("prefill-128, prefill-512, prefill-2048, decode-1", "bench", "demo", "--cases", "decode-1,decode-5")]
    [InlineData("Q4_K_M", "bench", "tiny:Q9_9")]
    [InlineData("llama.cpp", "bench", "demo", "--vs", "none")]
    [InlineData("Q4_K_M", "quantize", "a.gguf", "b.gguf", "Q9_9")]
    [InlineData("--type", "convert", "folder", "b.gguf", "--type", "Q9_9")]
    [InlineData("--top-p", "run", "-p", "x", "--top-p", "0")]
    [InlineData("URL", "status", "ftp://example.org")]
    [InlineData("URL", "drain", "silo-1", "example.org")]
    [InlineData("--timeout", "drain", "silo-1", "--timeout", "0")]
    [InlineData("completion", "completion", "tcsh")]
    public async Task Usage_Wrong_ExitsWith2AndOneMessage(string named, params string[] arguments)
    {
        Outcome refused = await SmolProcess.RunAsync(arguments);
        Assert.Equal((2, ""), (refused.ExitCode, refused.Text));
        Assert.Contains(named, refused.Error, StringComparison.Ordinal);
        Assert.Equal(2, refused.Error.TrimEnd().Split('\n').Length);
    }

    [Theory]
    [InlineData("inspect")]
    [InlineData("tokenize")]
    [InlineData("chat")]
    [InlineData("serve")]
    [InlineData("bench")]
    public async Task File_Missing_ExitsWith1AndNamesIt(string command) =>
        AssertOneMessage(await SmolProcess.RunAsync(command, "no-such.gguf"), "no-such.gguf");

    [Theory]
    [InlineData("inspect")]
    [InlineData("tokenize")]
    [InlineData("chat")]
    [InlineData("serve")]
    [InlineData("bench")]
    public async Task File_CutShort_ExitsWith1AndNamesIt(string command)
    {
        using TemporaryFolder folder = TestData.Temporary();
        string broken = folder.File("broken.gguf");
        await File.WriteAllBytesAsync(broken, (await File.ReadAllBytesAsync(TestData.TinyModel, TestContext.Current.CancellationToken))[..100_000], TestContext.Current.CancellationToken);
        Outcome failed = command == "serve"
            ? await SmolProcess.RunAsync(command, broken, "--port", "0")
            : await SmolProcess.RunAsync(command, broken);
        AssertOneMessage(failed, "broken");
        Assert.DoesNotContain("ready", failed.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Simd_UnknownLevel_ExitsWith1AndListsLevels() =>
        AssertOneMessage(await SmolProcess.RunAsync([], new() { ["SMOL_SIMD"] = "mmx" }, "inspect", TestData.TinyModel), "scalar");

    [Fact]
    public async Task Inspect_Tables_ShowMappingTypesMemoryTokenizer()
    {
        Outcome shown = await SmolProcess.RunAsync("inspect", TestData.TinyModel);
        Assert.Equal((0, ""), (shown.ExitCode, shown.Error));
        foreach (string expected in (string[])["smollm3.attention.head_count_kv", "(no_rope_interval)", "Q6_K", "KV cache F16", "smaug-bpe"])
            Assert.Contains(expected, shown.Text, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', shown.Text);
    }

    [Fact]
    public async Task Inspect_Json_HasTheSameFacts()
    {
        Outcome shown = await SmolProcess.RunAsync("inspect", DemoModel, "--json");
        using JsonDocument report = JsonDocument.Parse(shown.Output);
        JsonElement root = report.RootElement;
        Assert.Equal("smollm3", root.GetProperty("architecture").GetString());
        Assert.Equal(JsonValueKind.Null, root.GetProperty("problem").ValueKind);
        Assert.Equal(new FileInfo(DemoModel).Length, root.GetProperty("bytes").GetInt64());
        Assert.Equal(2048, root.GetProperty("tokenizer").GetProperty("tokens").GetInt32());
        Assert.Contains(root.GetProperty("mapping").EnumerateArray(), static row =>
            row.GetProperty("key").GetString() == "smollm3.block_count" && row.GetProperty("value").GetString() == "8");
    }

    [Fact]
    public async Task Tokenize_Text_GivesTheIdsOfDemoGreedy()
    {
        // The golden prompts are ChatML: the ids of the user's text stand between "user\n" and <|im_end|>.
        using JsonDocument cases = JsonDocument.Parse(await File.ReadAllBytesAsync(TestData.Path("demo-greedy.json"), TestContext.Current.CancellationToken));
        JsonElement first = cases.RootElement[0];
        int[] expected = [.. first.GetProperty("prompt_ids").EnumerateArray().Select(static id => id.GetInt32())];
        string prompt = $"<|im_start|>user\n{first.GetProperty("user").GetString()}<|im_end|>\n<|im_start|>assistant\n";
        Outcome parsed = await SmolProcess.RunAsync(Encoding.UTF8.GetBytes(prompt), [], "tokenize", DemoModel, "--special");
        Assert.Equal((0, ""), (parsed.ExitCode, parsed.Error));
        Assert.Equal(expected, Ids(parsed));

        Outcome plain = await SmolProcess.RunAsync(Encoding.UTF8.GetBytes(prompt), [], "tokenize", DemoModel);
        Assert.DoesNotContain(expected[0], Ids(plain));
    }

    [Fact]
    public async Task Tokenize_Bytes_KeepNewlinesAndRefuseWhatIsNoUtf8()
    {
        Outcome without = await SmolProcess.RunAsync("a"u8.ToArray(), [], "tokenize", DemoModel);
        Outcome with = await SmolProcess.RunAsync("a\n"u8.ToArray(), [], "tokenize", DemoModel);
        Assert.True(Ids(with).Length > Ids(without).Length);
        AssertOneMessage(await SmolProcess.RunAsync([0x61, 0xFF], [], "tokenize", DemoModel), "offset 1");
    }

    [Fact]
    public async Task Render_Template_PrintsThePromptByteForByte()
    {
        using TemporaryFolder folder = TestData.Temporary();
        using JsonDocument cases = JsonDocument.Parse(await File.ReadAllBytesAsync(TestData.Path("templates/chat.json"), TestContext.Current.CancellationToken));
        foreach (JsonElement one in cases.RootElement.EnumerateArray().Where(static c => c.GetProperty("name").GetString()!.Contains("SmolLM", StringComparison.Ordinal)))
        {
            await File.WriteAllTextAsync(folder.File("t.jinja"), one.GetProperty("template").GetString(), TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(folder.File("c.json"), one.GetProperty("context").GetRawText(), TestContext.Current.CancellationToken);
            Outcome rendered = await SmolProcess.RunAsync("render", "--template", folder.File("t.jinja"), "--context", folder.File("c.json"), "--now", "2025-07-10");
            Assert.Equal((0, ""), (rendered.ExitCode, rendered.Error));
            Assert.Equal(one.GetProperty("expected").GetString(), rendered.Text);
        }
    }

    [Fact]
    public async Task Render_Model_UsesTheFilesOwnTemplate()
    {
        using TemporaryFolder folder = TestData.Temporary();
        await File.WriteAllTextAsync(folder.File("c.json"), """{"messages":[{"role":"user","content":"Hello"}],"add_generation_prompt":true}""", TestContext.Current.CancellationToken);
        Outcome rendered = await SmolProcess.RunAsync("render", DemoModel, "--context", folder.File("c.json"));
        Assert.Equal("<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n", rendered.Text);
    }

    [Fact]
    public async Task Chat_PipedLines_AreMessagesAndCommands()
    {
        Outcome talked = await SmolProcess.RunAsync("What is your name?\n/clear\nwhat is a silo?\n/exit\nnever read\n"u8.ToArray(), [], "chat", "--temperature", "0");
        Assert.Equal(0, talked.ExitCode);
        Assert.StartsWith("smolcluster-demo (a small demo model; ", talked.Error, StringComparison.Ordinal);
        Assert.EndsWith("\n(forgotten)\n", talked.Error, StringComparison.Ordinal);
        string[] answers = talked.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, answers.Length);
        Assert.Contains("Smol Demo", answers[0], StringComparison.Ordinal);
        Assert.Contains("silo", answers[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("serve", "stub", "gpt-4o", "The stub cannot be called 'gpt-4o': its name must contain \"stub\"")]
    [InlineData("serve", "demo", "SmolLM3-3B", "The demo cannot be called 'SmolLM3-3B': its name must contain \"demo\"")]
    [InlineData("chat", "stub", "SmolLM3-demo", "The stub cannot be called 'SmolLM3-demo': its name must contain \"stub\"")]
    public async Task Id_MakesAStubLookReal_ExitsWith2(string command, string model, string id, string expected)
    {
        Outcome refused = await SmolProcess.RunAsync(command, model, "--id", id);
        Assert.Equal((2, ""), (refused.ExitCode, refused.Text));
        Assert.Contains(expected, refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Random_Tiny_WritesAModelThatCanBeServed()
    {
        using TemporaryFolder folder = TestData.Temporary();
        Outcome written = await SmolProcess.RunAsync("random", "tiny", folder.File("tiny.gguf"), "--seed", "7");
        Assert.Equal((0, ""), (written.ExitCode, written.Error));
        Outcome shown = await SmolProcess.RunAsync("inspect", folder.File("tiny.gguf"));
        Assert.DoesNotContain("Cannot be served", shown.Text, StringComparison.Ordinal);
    }

    private static int[] Ids(Outcome outcome) =>
        [.. outcome.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => int.Parse(line, CultureInfo.InvariantCulture))];

    private static void AssertOneMessage(Outcome outcome, string named)
    {
        Assert.Equal(1, outcome.ExitCode);
        Assert.StartsWith("smol: ", outcome.Error, StringComparison.Ordinal);
        Assert.Contains(named, outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("this is a bug", outcome.Error, StringComparison.Ordinal);
        Assert.Single(outcome.Error.TrimEnd().Split('\n'));
    }
}
