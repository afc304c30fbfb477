using System.Runtime.InteropServices;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Tests.Conversion;

/// <summary>A folder with SafeTensors is the model that its conversion is: the same bits, the same identity, and no copy of its weights but
/// where their order changes.</summary>
public sealed class HuggingFaceModelTests
{
    [Theory]
    [InlineData("tiny", "smollm3", 64, "F32")]
    [InlineData("tiny", "smollm3", 64, "F16")]
    [InlineData("tiny", "smollm3", 64, "BF16")]
    [InlineData("tiny-llama", "llama", 32, "F32")]
    [InlineData("tiny-llama", "llama", 32, "BF16")]
    [InlineData("tiny-gemma2", "gemma2", 0, "BF16")]
    [InlineData("tiny-gemma3", "gemma3_text", 0, "F32")]
    public void OpenAny_Folder_GivesTheBitsOfItsConversion(string shape, string modelType, int head, string type)
    {
        using TemporaryFolder temporary = TestData.Temporary();
        string source = HuggingFaceConverterTests.Make(temporary, shape), folder = HuggingFaceConverterTests.Folder(temporary, source, modelType, head, torch: false);
        Retype(source, folder, head, type);
        HuggingFaceConverter.Write(folder, temporary.File("out.gguf"), new ConvertOptions());
        float[] direct = HuggingFaceConverterTests.Logits(folder);
        Assert.Equal(HuggingFaceConverterTests.Logits(temporary.File("out.gguf")), direct);
        if (type == "F32")
            Assert.Equal(HuggingFaceConverterTests.Logits(source), direct);
        using GgufFile view = HuggingFaceModel.OpenAny(folder), file = GgufFile.Open(temporary.File("out.gguf"));
        Assert.Equal(ContentHash.Of(file), ContentHash.Of(view));
        Assert.Equal(file.Length, view.Length);
    }

    [Fact]
    public async Task Load_Folder_AnswersAsItsConversionDoes()
    {
        using TemporaryFolder temporary = TestData.Temporary();
        string folder = HuggingFaceConverterTests.Folder(temporary, HuggingFaceConverterTests.Make(temporary, "tiny"), "smollm3", 64, torch: false);
        HuggingFaceConverter.Write(folder, temporary.File("checkpoint.gguf"), new ConvertOptions());
        var (name, identity, tokens) = await Answer(folder + Path.DirectorySeparatorChar);
        Assert.Equal("checkpoint", name);
        var converted = await Answer(temporary.File("checkpoint.gguf"));
        Assert.Equal((name, identity), (converted.Name, converted.Identity));
        Assert.Equal(converted.Tokens, tokens);
    }

    [Fact]
    public void OpenAny_TorchFolder_SaysWhatToDo()
    {
        using TemporaryFolder temporary = TestData.Temporary();
        string folder = HuggingFaceConverterTests.Folder(temporary, HuggingFaceConverterTests.Make(temporary, "tiny-llama"), "llama", 32, torch: true);
        Assert.Contains("smol convert", Assert.Throws<CheckpointException>(() => HuggingFaceModel.OpenAny(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OpenAny_WeightsCutShort_IsRefused()
    {
        using TemporaryFolder temporary = TestData.Temporary();
        string folder = HuggingFaceConverterTests.Folder(temporary, HuggingFaceConverterTests.Make(temporary, "tiny-llama"), "llama", 32, torch: false);
        using (FileStream weights = File.OpenWrite(Path.Combine(folder, "model.safetensors")))
            weights.SetLength(weights.Length - 4);
        Assert.Contains("cut short", Assert.Throws<CheckpointException>(() => HuggingFaceModel.OpenAny(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public unsafe void OpenAny_MatricesInOrder_AreMappedAndNotCopied()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("This test reads /proc.");
        using TemporaryFolder temporary = TestData.Temporary();
        string folder = HuggingFaceConverterTests.Folder(temporary, HuggingFaceConverterTests.Make(temporary, "tiny"), "smollm3", 64, torch: false);
        using GgufFile view = HuggingFaceModel.OpenAny(folder);
        string mapping = File.ReadLines("/proc/self/maps").Single(line => line.EndsWith(Path.Combine(folder, "model.safetensors"), StringComparison.Ordinal));
        ulong[] range = [.. mapping.Split(' ')[0].Split('-').Select(static address => Convert.ToUInt64(address, 16))];
        var lookup = view.Tensors.ToLookup(tensor => (ulong)view.Data(tensor) >= range[0] && (ulong)view.Data(tensor) + (ulong)tensor.ByteLength <= range[1]);
        Assert.All(lookup[false], static tensor => Assert.Matches(@"attn_[qk]\.weight$", tensor.Name));
        Assert.Equal(16, lookup[false].Count());
    }

    /// <summary>The folder's weights in another type, norms as well, as checkpoints have them.</summary>
    private static void Retype(string source, string folder, int head, string type)
    {
        using GgufFile file = GgufFile.Open(source);
        CheckpointFolder.WriteSafeTensors(Path.Combine(folder, "model.safetensors"), CheckpointFolder.Tensors(file, head).Select(tensor => type == "F32" ? tensor
            : tensor with { Type = type, Bytes = Short(tensor.Bytes, type) }));
    }

    private static byte[] Short(byte[] floats, string type) =>
        [.. MemoryMarshal.Cast<byte, float>(floats).ToArray().SelectMany(value => BitConverter.GetBytes(type == "F16" ? BitConverter.HalfToUInt16Bits((Half)value)
            : (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)))];

    private static async Task<(string Name, string Identity, List<int> Tokens)> Answer(string path)
    {
        using var model = GgufChatModel.Load(path, new EngineOptions { Threads = 1, ContextLength = 256 });
        int[] prompt = [.. Enumerable.Range(300, 12)];
        Generation generation = model.Submit(new GenerationRequest(prompt, prompt.Length, 24, new SamplingOptions { Temperature = 1, Seed = 5 }, "tester"));
        return (model.Card.Id, model.Card.Identity, await generation.Tokens.ReadAllAsync(TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));
    }
}
