using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests;

/// <summary>The numerics contract between real processes: instruction sets, threads and steps change no bit of the logits.
/// 70 tokens, so that attention crosses a page of the cache.</summary>
public sealed class BitsTests(BitsTests.Baseline baseline) : IClassFixture<BitsTests.Baseline>
{
    /// <summary>The levels of this machine: a weaker machine has fewer rows, not skipped ones.</summary>
    public static TheoryData<string> Levels =>
        [.. Enum.GetValues<SimdLevel>().Where(Simd.IsSupported).Select(static level => level.ToString().ToLowerInvariant())];

    [Theory]
    [MemberData(nameof(Levels))]
    public async Task Logits_EveryVectorPath_SameBits(string level)
    {
        var environment = new Dictionary<string, string> { [Simd.Variable] = level };
        Assert.Equal(baseline.F16, await baseline.ComputeAsync(environment, "--batch", "7", "--threads", "3"));
        Assert.Equal(baseline.F32, await baseline.ComputeAsync(environment, "--kv", "f32"));
        Assert.Equal(baseline.Q8_0, await baseline.ComputeAsync(environment, "--kv", "q8_0", "--batch", "7", "--threads", "3"));
    }

    [Theory]
    [InlineData("1", "1")]
    [InlineData("1", "2")]
    [InlineData("7", "1")]
    [InlineData("64", "2")]
    [InlineData("64", "3")]
    public async Task Logits_BatchAndThreads_SameBits(string batch, string threads) =>
        await AssertBitsAsync([], "--batch", batch, "--threads", threads);

    [Theory]
    [InlineData("DOTNET_EnableAVX512")]
    [InlineData("DOTNET_EnableAVX2")]
    [InlineData("DOTNET_EnableHWIntrinsic")]
    public async Task Logits_RuntimeWithoutInstructions_SameBits(string switchedOff) =>
        await AssertBitsAsync(new() { [switchedOff] = "0" });

    /// <summary>GELU, soft caps and a window of 24 or 70 tokens as well.</summary>
    [Theory]
    [InlineData("tiny-gemma2")]
    [InlineData("tiny-gemma3")]
    public async Task Logits_OfGemmaWithoutInstructions_SameBits(string shape)
    {
        using TemporaryFolder folder = TestData.Temporary();
        RandomModel.Write(shape, folder.File("m.gguf"), 3);
        byte[] expected = await baseline.ComputeAsync(folder.File("m.gguf"), [], "--threads", "1");
        foreach (string switchedOff in (string[])["DOTNET_EnableAVX512", "DOTNET_EnableAVX2", "DOTNET_EnableHWIntrinsic"])
            Assert.Equal(expected, await baseline.ComputeAsync(folder.File("m.gguf"), new() { [switchedOff] = "0" }, "--batch", "7"));
    }

    private async Task AssertBitsAsync(Dictionary<string, string> environment, params string[] options)
    {
        Assert.Equal(baseline.F16, await baseline.ComputeAsync(environment, options));
        Assert.Equal(baseline.Q8_0, await baseline.ComputeAsync(environment, ["--kv", "q8_0", .. options]));
    }

    /// <summary>The bits of this machine's best path, 64 tokens a step, one thread.</summary>
    public sealed class Baseline : IAsyncLifetime
    {
        private const int TokenCount = 70;
        private readonly TemporaryFolder _folder = TestData.Temporary();
        private int _files;

        public byte[] F16 { get; private set; } = [];

        public byte[] F32 { get; private set; } = [];

        public byte[] Q8_0 { get; private set; } = [];

        private string Ids => _folder.File("ids.txt");

        public async ValueTask InitializeAsync()
        {
            string[] ids = (await File.ReadAllTextAsync(TestData.Path("tokens64.txt"))).Split((char[])[' ', ',', '\n'], StringSplitOptions.RemoveEmptyEntries);
            await File.WriteAllTextAsync(Ids, string.Join(' ', ids.Concat(ids).Take(TokenCount)));
            F16 = await ComputeAsync([], "--threads", "1");
            F32 = await ComputeAsync([], "--threads", "1", "--kv", "f32");
            Q8_0 = await ComputeAsync([], "--threads", "1", "--kv", "q8_0");
            Assert.NotEqual(F16, F32);
            Assert.NotEqual(F16, Q8_0);
        }

        public Task<byte[]> ComputeAsync(Dictionary<string, string> environment, params string[] options) => ComputeAsync(TestData.TinyModel, environment, options);

        public async Task<byte[]> ComputeAsync(string model, Dictionary<string, string> environment, params string[] options)
        {
            string target = _folder.File($"{Interlocked.Increment(ref _files)}.lgt");
            Outcome outcome = await SmolProcess.RunAsync([], environment, ["logits", model, "--ids", Ids, "--out", target, .. options]);
            Assert.Equal((0, "", ""), (outcome.ExitCode, outcome.Text, outcome.Error));
            return await File.ReadAllBytesAsync(target);
        }

        public ValueTask DisposeAsync()
        {
            _folder.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
