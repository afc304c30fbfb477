using System.Text.Json;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests;

/// <summary>pull, list, rm, and serving what was pulled, against a hub on this machine.</summary>
public sealed class PullTests
{
    private const string Repository = "ggml-org/SmolLM3-3B-GGUF";

    [Fact]
    public async Task Pull_HubThatCutsTwentyTimes_EndsWithTheRightBytes()
    {
        using TemporaryFolder folder = TestData.Temporary();
        byte[] model = Bytes(40 << 20);
        await using var hub = new CuttingHub(Repository, new Dictionary<string, byte[]> { ["SmolLM3-Q4_K_M.gguf"] = model, ["SmolLM3-Q8_0.gguf"] = [1] }, cuts: 20);
        Outcome pulled = await Run(folder, hub, "pull", "HuggingFaceTB/SmolLM3-3B:Q4_K_M", "--json");
        Assert.Equal((0, ""), (pulled.ExitCode, pulled.Error));
        Assert.Equal(model, await File.ReadAllBytesAsync(Stored(folder, "SmolLM3-Q4_K_M.gguf"), TestContext.Current.CancellationToken));
        Assert.True(hub.CutsLeft <= 0 && hub.Requests.Count > 20);
        Assert.Empty(Directory.EnumerateFiles(folder.File("models"), "*.part*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Pull_AfterAFailure_GoesOnWhereItWas()
    {
        using TemporaryFolder folder = TestData.Temporary();
        byte[] model = Bytes(30 << 20);
        var files = new Dictionary<string, byte[]> { ["m-Q8_0.gguf"] = model };
        // the notes of a pull that was stopped: of four pieces of 8 MiB two are there
        string path = Stored(folder, "m-Q8_0.gguf");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        byte[] part = [.. model[..(16 << 20)], .. new byte[14 << 20]];
        await File.WriteAllBytesAsync(path + ".part", part, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(path + ".part.json", JsonSerializer.Serialize(new
        {
            bytes = model.Length,
            sha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(model)),
            done = new long[] { 8 << 20, 8 << 20, 0, 0 },
        }), TestContext.Current.CancellationToken);
        await using var hub = new CuttingHub(Repository, files);
        Assert.Equal(0, (await Run(folder, hub, "pull", Repository)).ExitCode);
        Assert.Equal(model, await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken));
        Assert.Equal(2, hub.Requests.Count);
        Assert.All(hub.Requests, static request => Assert.DoesNotContain(" 0-", request, StringComparison.Ordinal));
        Assert.Equal(0, (await Run(folder, hub, "pull", Repository)).ExitCode);
        Assert.Equal(2, hub.Requests.Count); // what is there is not fetched again
    }

    [Fact]
    public async Task Pull_HubWithoutRanges_EndsWithTheRightBytes()
    {
        using TemporaryFolder folder = TestData.Temporary();
        byte[] model = Bytes(20 << 20);
        await using var hub = new CuttingHub(Repository, new Dictionary<string, byte[]> { ["m-Q8_0.gguf"] = model }, cuts: 2) { IgnoresRanges = true };
        Assert.Equal(0, (await Run(folder, hub, "pull", Repository)).ExitCode);
        Assert.Equal(model, await File.ReadAllBytesAsync(Stored(folder, "m-Q8_0.gguf"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Pull_WrongChecksum_LeavesNothing()
    {
        using TemporaryFolder folder = TestData.Temporary();
        await using var hub = new CuttingHub(Repository, new Dictionary<string, byte[]> { ["m-Q8_0.gguf"] = Bytes(1000) }) { Sha256 = new string('a', 64) };
        Outcome refused = await Run(folder, hub, "pull", Repository);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("SHA-256", refused.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(folder.File("models"), "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Pull_HubThatAlwaysCutsAtOnce_GivesUpWithOneMessage()
    {
        using TemporaryFolder folder = TestData.Temporary();
        await using var hub = new CuttingHub(Repository, new Dictionary<string, byte[]> { ["m-Q8_0.gguf"] = [7] }, cuts: int.MaxValue);
        Outcome failed = await Run(folder, hub, "pull", Repository);
        Assert.Equal(1, failed.ExitCode);
        Assert.Contains("attempts in a row", failed.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../../../etc/passwd")]
    [InlineData("a/..")]
    [InlineData("a/b:../c")]
    [InlineData("a/b/c")]
    [InlineData("/etc/passwd")]
    [InlineData("a/-b")]
    [InlineData("a/b:c:d")]
    public async Task Pull_NameThatIsAPath_ExitsWith2(string name)
    {
        Outcome refused = await SmolProcess.RunAsync("pull", name);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("no model's name", refused.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../../evil.gguf")]
    [InlineData("/tmp/evil.gguf")]
    [InlineData("a/../../evil.gguf")]
    public async Task Pull_HubThatNamesAPath_WritesNothing(string file)
    {
        using TemporaryFolder folder = TestData.Temporary();
        await using var hub = new CuttingHub(Repository, new Dictionary<string, byte[]> { [file] = [1] });
        Outcome refused = await Run(folder, hub, "pull", Repository);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("no plain file name", refused.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.File("models")));
    }

    [Fact]
    public async Task Pulled_Model_IsListedAnsweredWithAndRemoved()
    {
        using TemporaryFolder folder = TestData.Temporary();
        RandomModel.Write("tiny:Q4_0", folder.File("tiny.gguf"), 1);
        byte[] model = await File.ReadAllBytesAsync(folder.File("tiny.gguf"), TestContext.Current.CancellationToken);
        await using var hub = new CuttingHub(Repository, new Dictionary<string, byte[]> { ["tiny-Q4_0.gguf"] = model });
        Outcome pulled = await SmolProcess.RunAsync([], Environment(folder, hub, token: "hf_secret"), "pull", "HuggingFaceTB/SmolLM3-3B");
        Assert.Equal(0, pulled.ExitCode);
        Assert.Equal("hf_secret", hub.Token);
        Assert.Contains($"{Repository}:tiny-Q4_0", (await Run(folder, hub, "list")).Text, StringComparison.Ordinal);
        foreach (string name in (string[])[Repository, "HuggingFaceTB/SmolLM3-3B", $"{Repository}:tiny-Q4_0", "tiny-q4_0"])
        {
            Outcome answered = await SmolProcess.RunAsync("hello\n"u8.ToArray(), Environment(folder, hub), "chat", name, "--max-tokens", "2", "--seed", "1");
            Assert.Equal((0, ""), (answered.ExitCode, answered.Error.Contains("smol:", StringComparison.Ordinal) ? answered.Error : ""));
        }

        Assert.Equal(0, (await Run(folder, hub, "rm", "tiny-Q4_0")).ExitCode);
        Outcome gone = await SmolProcess.RunAsync("hello\n"u8.ToArray(), Environment(folder, hub), "chat", Repository);
        Assert.Equal(1, gone.ExitCode);
        Assert.Contains($"smol pull {Repository}", gone.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await Run(folder, hub, "rm", "../models")).ExitCode);
    }

    [Fact]
    public async Task Pull_TokenOverPlainHttp_IsNotSent()
    {
        Outcome refused = await SmolProcess.RunAsync([], new() { ["HF_ENDPOINT"] = "http://example.invalid", ["HF_TOKEN"] = "hf_secret" }, "pull", Repository);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("unencrypted", refused.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hf_secret", refused.Error, StringComparison.Ordinal);
    }

    private static Task<Outcome> Run(TemporaryFolder folder, CuttingHub hub, params string[] arguments) => SmolProcess.RunAsync([], Environment(folder, hub), arguments);

    private static Dictionary<string, string> Environment(TemporaryFolder folder, CuttingHub hub, string token = "") => new()
    {
        ["HF_ENDPOINT"] = hub.Address,
        ["HF_TOKEN"] = token,
        ["SMOL_MODELS"] = folder.File("models"),
        ["NO_PROXY"] = "127.0.0.1",
    };

    private static string Stored(TemporaryFolder folder, string file) => Path.Combine(folder.File("models"), "ggml-org", "SmolLM3-3B-GGUF", file);

    private static byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        new Random(1).NextBytes(bytes);
        return bytes;
    }
}
