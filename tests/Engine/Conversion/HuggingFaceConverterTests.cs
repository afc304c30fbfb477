using System.Text.Json.Nodes;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Text;

namespace SmolCluster.Engine.Tests.Conversion;

/// <summary>There and back: a random model as a checkpoint folder, converted, gives the model's own bits.</summary>
public sealed class HuggingFaceConverterTests
{
    [Theory]
    [InlineData("tiny", "smollm3", 64, false)]
    [InlineData("tiny", "smollm3", 64, true)]
    [InlineData("tiny-llama", "llama", 32, false)]
    [InlineData("tiny-gemma2", "gemma2", 0, false)]
    [InlineData("tiny-gemma2", "gemma2", 0, true)]
    [InlineData("tiny-gemma3", "gemma3_text", 0, false)]
    public void Write_FolderOfAnF32Model_GivesTheSameLogitsBits(string shape, string modelType, int head, bool torch)
    {
        using TemporaryFolder temporary = TestData.Temporary();
        string source = Make(temporary, shape), folder = Folder(temporary, source, modelType, head, torch);
        HuggingFaceConverter.Write(folder, temporary.File("out.gguf"), new ConvertOptions(Threads: 2));
        Assert.Equal(Logits(source), Logits(temporary.File("out.gguf")));
        using GgufFile before = GgufFile.Open(source), after = GgufFile.Open(temporary.File("out.gguf"));
        Tokenizer tokenizer = Tokenizer.From(after);
        Assert.Equal(Tokenizer.From(before).Encode("The quick brown fox, 12345 times"), tokenizer.Encode("The quick brown fox, 12345 times"));
        Assert.Equal(Tokenizer.From(before).EndOfGeneration.Order(), tokenizer.EndOfGeneration.Order());
        Assert.Equal(before.Metadata.Text("tokenizer.chat_template"), after.Metadata.Text("tokenizer.chat_template"));
    }

    [Fact]
    public void Write_PartsWithAnIndex_AreOneModel()
    {
        using TemporaryFolder temporary = TestData.Temporary();
        string source = Make(temporary, "tiny-llama"), folder = Folder(temporary, source, "llama", 32, torch: false);
        using (GgufFile file = GgufFile.Open(source))
        {
            List<CheckpointFolder.Tensor> all = CheckpointFolder.Tensors(file, 32);
            CheckpointFolder.WriteSafeTensors(Path.Combine(folder, "a.safetensors"), all[..10]);
            CheckpointFolder.WriteSafeTensors(Path.Combine(folder, "b.safetensors"), all[10..]);
            WriteIndex(folder, all.Select((tensor, i) => (tensor.Name, i < 10 ? "a.safetensors" : "b.safetensors")));
        }

        File.Delete(Path.Combine(folder, "model.safetensors"));
        HuggingFaceConverter.Write(folder, temporary.File("out.gguf"), new ConvertOptions());
        Assert.Equal(Logits(source), Logits(temporary.File("out.gguf")));
    }

    [Fact]
    public void Write_WithAType_IsWhatQuantizingTheF32FileGives()
    {
        using TemporaryFolder temporary = TestData.Temporary();
        string source = Make(temporary, "tiny"), folder = Folder(temporary, source, "smollm3", 64, torch: false);
        QuantizationMix mix = QuantizationMix.Find("Q4_K_M")!;
        HuggingFaceConverter.Write(folder, temporary.File("direct.gguf"), new ConvertOptions(mix));
        using (GgufFile file = GgufFile.Open(source))
            ModelQuantizer.Write(file, temporary.File("after.gguf"), new QuantizeOptions(mix));
        Assert.Equal(Logits(temporary.File("after.gguf")), Logits(temporary.File("direct.gguf")));
    }

    [Fact]
    public void Write_Llama3Scaling_BecomesRopeFactors()
    {
        using TemporaryFolder temporary = TestData.Temporary();
        string source = Make(temporary, "tiny-llama"), folder = Folder(temporary, source, "llama", 32, torch: false);
        Edit(folder, config => config["rope_scaling"] = new JsonObject
        {
            ["rope_type"] = "llama3",
            ["factor"] = 8.0,
            ["low_freq_factor"] = 1.0,
            ["high_freq_factor"] = 4.0,
            ["original_max_position_embeddings"] = 8192,
        });
        HuggingFaceConverter.Write(folder, temporary.File("out.gguf"), new ConvertOptions());
        using GgufFile file = GgufFile.Open(temporary.File("out.gguf"));
        Assert.True(file.TryGetTensor("rope_freqs.weight", out GgufTensor? factors));
        float[] values = Floats(file, factors);
        Assert.Equal((16, 1f, 8f), (values.Length, values[0], values[^1]));
        Assert.Contains(values, static value => value is > 1 and < 8);
    }

    public static TheoryData<string, string> BadConfigs => new()
    {
        { "model_type", "\"gpt_neox\"" },
        { "num_hidden_layers", "0" },
        { "num_attention_heads", "\"many\"" },
        { "num_key_value_heads", "3" },
        { "vocab_size", "-1" },
        { "vocab_size", "1e300" },
        { "hidden_act", "\"gelu\"" },
        { "quantization_config", "{}" },
        { "rope_scaling", "{\"rope_type\":\"longrope\"}" },
        { "rope_scaling", "{\"rope_type\":\"llama3\",\"factor\":-1}" },
    };

    [Theory]
    [MemberData(nameof(BadConfigs))]
    public void Write_OddConfig_NamesTheKeyAndLeavesNoFile(string key, string value)
    {
        using TemporaryFolder temporary = TestData.Temporary();
        string folder = Folder(temporary, Make(temporary, "tiny-llama"), "llama", 32, torch: false);
        Edit(folder, config => config[key] = JsonNode.Parse(value));
        Refused(temporary, folder);
    }

    [Fact]
    public void Write_TensorsThatDoNotFit_AreRefusedByName()
    {
        using TemporaryFolder temporary = TestData.Temporary();
        string source = Make(temporary, "tiny-llama"), folder = Folder(temporary, source, "llama", 32, torch: false);
        using GgufFile file = GgufFile.Open(source);
        List<CheckpointFolder.Tensor> all = CheckpointFolder.Tensors(file, 32);
        CheckpointFolder.WriteSafeTensors(Path.Combine(folder, "model.safetensors"), all[1..]);
        Assert.Contains("token_embd", Refused(temporary, folder), StringComparison.Ordinal);
        CheckpointFolder.WriteSafeTensors(Path.Combine(folder, "model.safetensors"), [.. all, new("model.vision.weight", "F32", [1, 2], new byte[8])]);
        Assert.Contains("model.vision.weight", Refused(temporary, folder), StringComparison.Ordinal);
        CheckpointFolder.WriteSafeTensors(Path.Combine(folder, "model.safetensors"), [.. all, new("model.layers.0.self_attn.q_proj.bias", "F32", [2], new byte[8])]);
        Assert.Contains("attn_q.bias", Refused(temporary, folder), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData("sub\\x")]
    [InlineData("")]
    public void Write_IndexThatLeavesTheFolder_IsRefused(string part)
    {
        using TemporaryFolder temporary = TestData.Temporary();
        string folder = Folder(temporary, Make(temporary, "tiny-llama"), "llama", 32, torch: false);
        WriteIndex(folder, [("model.norm.weight", part)]);
        Assert.Contains("plain name", Refused(temporary, folder), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"model":{"type":"Unigram"}}""", "BPE")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"Metaspace"}}""", "Metaspace")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":99999999},"merges":[]},"pre_tokenizer":{"type":"ByteLevel"}}""", "99999999")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":1,"b":1},"merges":[]},"pre_tokenizer":{"type":"ByteLevel"}}""", "two tokens")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":1},"merges":[3]},"pre_tokenizer":{"type":"ByteLevel"}}""", "merge")]
    [InlineData("[]", "JSON object")]
    [InlineData("{", "no JSON")]
    public void Write_OddTokenizer_SaysWhatIsWrong(string tokenizer, string named)
    {
        using TemporaryFolder temporary = TestData.Temporary();
        string folder = Folder(temporary, Make(temporary, "tiny-llama"), "llama", 32, torch: false);
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), tokenizer);
        Assert.Contains(named, Refused(temporary, folder), StringComparison.Ordinal);
    }

    private static string Refused(TemporaryFolder temporary, string folder)
    {
        Exception refusal = Assert.ThrowsAny<Exception>(() => HuggingFaceConverter.Write(folder, temporary.File("out.gguf"), new ConvertOptions()));
        Assert.True(refusal is CheckpointException or GgufException, refusal.ToString());
        Assert.Empty(Directory.EnumerateFiles(Path.GetDirectoryName(temporary.File("x"))!, "out.gguf*"));
        return refusal.Message;
    }

    internal static string Make(TemporaryFolder temporary, string shape)
    {
        string path = temporary.File("source.gguf");
        RandomModel.Write($"{shape}:F32", path, 5);
        return path;
    }

    internal static string Folder(TemporaryFolder temporary, string source, string modelType, int head, bool torch)
    {
        string folder = Directory.CreateDirectory(temporary.File("checkpoint")).FullName;
        using GgufFile file = GgufFile.Open(source);
        List<CheckpointFolder.Tensor> tensors = CheckpointFolder.Tensors(file, head);
        if (torch)
            CheckpointFolder.WriteTorch(Path.Combine(folder, "pytorch_model.bin"), tensors);
        else
            CheckpointFolder.WriteSafeTensors(Path.Combine(folder, "model.safetensors"), tensors);
        CheckpointFolder.WriteConfig(Path.Combine(folder, "config.json"), file, modelType);
        CheckpointFolder.WriteTokenizer(folder, file);
        return folder;
    }

    private static void Edit(string folder, Action<JsonObject> change)
    {
        string path = Path.Combine(folder, "config.json");
        JsonObject config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(config);
        File.WriteAllText(path, config.ToJsonString());
    }

    private static void WriteIndex(string folder, IEnumerable<(string Tensor, string File)> parts)
    {
        var map = new JsonObject();
        foreach ((string tensor, string file) in parts)
            map[tensor] = file;
        File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), new JsonObject { ["weight_map"] = map }.ToJsonString());
    }

    private static unsafe float[] Floats(GgufFile file, GgufTensor tensor) => new ReadOnlySpan<float>(file.Data(tensor), (int)tensor.Columns).ToArray();

    // the factors of the random llama are all 1, and a checkpoint without scaling has none: the same bits
    internal static float[] Logits(string path)
    {
        using GgufFile file = HuggingFaceModel.OpenAny(path);
        return LogitsRun.Compute(file, Enumerable.Range(300, 12).ToArray(), new LogitsOptions(KvType.F32, Arithmetic.Default, 12, 2))[^1];
    }
}
