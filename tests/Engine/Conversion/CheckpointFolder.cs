using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using SmolCluster.Engine.Gguf;

namespace SmolCluster.Engine.Tests.Conversion;

/// <summary>Writes a GGUF model back as the Hugging Face folder it could have come from: names, head layout and tokenizer.json.</summary>
internal static unsafe class CheckpointFolder
{
    public sealed record Tensor(string Name, string Type, long[] Shape, byte[] Bytes);

    /// <summary>The tensors of an F32 model under Hugging Face's names; of a Gemma with what its norms add to 1.</summary>
    /// <param name="headLength">Query and key heads are put in halves of this; 0: they are so already.</param>
    public static List<Tensor> Tensors(GgufFile file, int headLength) => [.. file.Tensors.Where(static t => t.Name != "rope_freqs.weight").Select(tensor =>
    {
        byte[] bytes = new ReadOnlySpan<byte>(file.Data(tensor), (int)tensor.ByteLength).ToArray();
        string[] parts = tensor.Name.Split('.');
        bool isGemma = file.Metadata.Text("general.architecture").StartsWith("gemma", StringComparison.Ordinal);
        if (headLength != 0 && parts is [_, _, "attn_q" or "attn_k", _])
            bytes = Halves(bytes, (int)tensor.Rows, headLength);
        if (isGemma && tensor.Name.EndsWith("norm.weight", StringComparison.Ordinal))
            bytes = [.. MemoryMarshal.Cast<byte, float>(bytes).ToArray().SelectMany(static weight => BitConverter.GetBytes(weight - 1))];
        return new Tensor(NameOf(parts, isGemma), "F32", [.. tensor.Dimensions.Reverse()], bytes);
    })];

    public static void WriteSafeTensors(string path, IEnumerable<Tensor> tensors)
    {
        var header = new JsonObject { ["__metadata__"] = new JsonObject { ["format"] = "pt" } };
        long at = 0;
        foreach (Tensor tensor in tensors)
        {
            header[tensor.Name] = new JsonObject
            {
                ["dtype"] = tensor.Type,
                ["shape"] = new JsonArray([.. tensor.Shape.Select(static n => (JsonNode)n)]),
                ["data_offsets"] = new JsonArray(at, at += tensor.Bytes.Length),
            };
        }

        WriteSafeTensors(path, header.ToJsonString(), [.. tensors.SelectMany(static tensor => tensor.Bytes)]);
    }

    public static void WriteSafeTensors(string path, string header, byte[] data)
    {
        using FileStream stream = File.Create(path);
        byte[] text = Encoding.UTF8.GetBytes(header), length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        stream.Write(length);
        stream.Write(text);
        stream.Write(data);
    }

    /// <summary>As torch.save writes a state_dict of float tensors, protocol 2.</summary>
    public static void WriteTorch(string path, IReadOnlyList<Tensor> tensors)
    {
        using var archive = new ZipArchive(File.Create(path), ZipArchiveMode.Create);
        var pickle = new PickleText().Raw(0x80, 2).Global("collections", "OrderedDict").Raw(')', 'R', '(');
        for (int i = 0; i < tensors.Count; i++)
        {
            long count = tensors[i].Bytes.Length / 4;
            pickle.Text(tensors[i].Name).Global("torch._utils", "_rebuild_tensor_v2").Raw('(')
                .Raw('(').Text("storage").Global("torch", "FloatStorage").Text($"{i}").Text("cpu").Integer(count).Raw('t', 'Q').Integer(0)
                .Tuple(tensors[i].Shape).Tuple(Strides(tensors[i].Shape)).Raw(0x89).Global("collections", "OrderedDict").Raw(')', 'R', 't', 'R');
        }

        Entry(archive, "archive/data.pkl", pickle.Raw('u', '.').Bytes);
        Entry(archive, "archive/byteorder", "little"u8.ToArray());
        for (int i = 0; i < tensors.Count; i++)
            Entry(archive, $"archive/data/{i}", tensors[i].Bytes);
    }

    public static void Entry(ZipArchive archive, string name, byte[] bytes)
    {
        using Stream stream = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
        stream.Write(bytes);
    }

    public static void WriteConfig(string path, GgufFile file, string modelType)
    {
        string a = file.Metadata.Text("general.architecture");
        long Key(string suffix) => file.Metadata.Integer($"{a}.{suffix}");
        var config = new JsonObject
        {
            ["model_type"] = modelType,
            ["num_hidden_layers"] = Key("block_count"),
            ["hidden_size"] = Key("embedding_length"),
            ["intermediate_size"] = Key("feed_forward_length"),
            ["num_attention_heads"] = Key("attention.head_count"),
            ["num_key_value_heads"] = Key("attention.head_count_kv"),
            ["max_position_embeddings"] = Key("context_length"),
            ["vocab_size"] = Key("vocab_size"),
            ["rms_norm_eps"] = file.Metadata.Number($"{a}.attention.layer_norm_rms_epsilon"),
            ["rope_theta"] = file.Metadata.Number($"{a}.rope.freq_base"),
            ["tie_word_embeddings"] = !file.TryGetTensor("output.weight", out _),
            ["hidden_act"] = a.StartsWith("gemma", StringComparison.Ordinal) ? "gelu_pytorch_tanh" : "silu",
        };
        if (a.StartsWith("gemma", StringComparison.Ordinal))
        {
            config["head_dim"] = Key("attention.key_length");
            config["query_pre_attn_scalar"] = Key("attention.key_length");
            config["sliding_window"] = Key("attention.sliding_window");
        }

        foreach (string cap in (string[])["attn_logit_softcapping", "final_logit_softcapping"])
        {
            if (file.Metadata.Contains($"{a}.{cap}"))
                config[cap] = file.Metadata.Number($"{a}.{cap}");
        }

        if (file.Metadata.Contains($"{a}.rope.scaling.factor"))
            config["rope_scaling"] = new JsonObject { ["rope_type"] = "linear", ["factor"] = file.Metadata.Number($"{a}.rope.scaling.factor") };
        File.WriteAllText(path, config.ToJsonString());
    }

    public static void WriteTokenizer(string folder, GgufFile file)
    {
        IReadOnlyList<string> tokens = file.Metadata.Texts("tokenizer.ggml.tokens");
        IReadOnlyList<long> types = file.Metadata.Integers("tokenizer.ggml.token_type");
        var vocabulary = new JsonObject();
        var added = new JsonArray();
        for (int id = 0; id < tokens.Count; id++)
        {
            if (types[id] == 1)
                vocabulary[tokens[id]] = id;
            else
                added.Add(new JsonObject { ["id"] = id, ["content"] = tokens[id], ["special"] = types[id] == 3 });
        }

        const string words = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), new JsonObject
        {
            ["added_tokens"] = added,
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = words } }, new JsonObject { ["type"] = "ByteLevel" }),
            },
            ["model"] = new JsonObject { ["type"] = "BPE", ["vocab"] = vocabulary, ["merges"] = new JsonArray([.. file.Metadata.Texts("tokenizer.ggml.merges").Select(static m => (JsonNode)m)]) },
        }.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), new JsonObject
        {
            ["bos_token"] = tokens[(int)file.Metadata.Integer("tokenizer.ggml.bos_token_id")],
            ["eos_token"] = new JsonObject { ["content"] = tokens[(int)file.Metadata.Integer("tokenizer.ggml.eos_token_id")] },
            ["chat_template"] = file.Metadata.Text("tokenizer.chat_template"),
        }.ToJsonString());
    }

    private static string NameOf(string[] parts, bool isGemma) => parts switch
    {
        ["token_embd", ..] => "model.embed_tokens.weight",
        ["output_norm", ..] => "model.norm.weight",
        ["output", ..] => "lm_head.weight",
        [_, var block, var inner, _] => $"model.layers.{block}.{inner switch
        {
            "attn_norm" => "input_layernorm",
            "attn_q" => "self_attn.q_proj",
            "attn_k" => "self_attn.k_proj",
            "attn_v" => "self_attn.v_proj",
            "attn_output" => "self_attn.o_proj",
            "attn_q_norm" => "self_attn.q_norm",
            "attn_k_norm" => "self_attn.k_norm",
            "post_attention_norm" => "post_attention_layernorm",
            "post_ffw_norm" => "post_feedforward_layernorm",
            "ffn_norm" => isGemma ? "pre_feedforward_layernorm" : "post_attention_layernorm",
            "ffn_gate" => "mlp.gate_proj",
            "ffn_up" => "mlp.up_proj",
            _ => "mlp.down_proj",
        }}.weight",
        _ => throw new ArgumentException(string.Join('.', parts)),
    };

    // from pairs side by side to halves
    private static byte[] Halves(byte[] bytes, int rows, int head)
    {
        int row = bytes.Length / rows;
        byte[] result = new byte[bytes.Length];
        for (int r = 0; r < rows; r++)
        {
            int inHead = r % head, to = (r / head * head) + (inHead % 2 * (head / 2)) + (inHead / 2);
            bytes.AsSpan(r * row, row).CopyTo(result.AsSpan(to * row));
        }

        return result;
    }

    private static long[] Strides(long[] shape) => [.. shape.Select((_, d) => shape[(d + 1)..].Aggregate(1L, static (a, b) => a * b))];
}

/// <summary>Instructions of a pickle, for tests.</summary>
internal sealed class PickleText
{
    private readonly List<byte> _bytes = [];

    public byte[] Bytes => [.. _bytes];

    public PickleText Raw(params ReadOnlySpan<int> codes)
    {
        foreach (int code in codes)
            _bytes.Add((byte)code);
        return this;
    }

    public PickleText Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        _bytes.AddRange([(byte)'X', .. BitConverter.GetBytes(utf8.Length), .. utf8]);
        return this;
    }

    public PickleText Integer(long value)
    {
        _bytes.AddRange([0x8a, 8, .. BitConverter.GetBytes(value)]);
        return this;
    }

    public PickleText Tuple(IEnumerable<long> values)
    {
        Raw('(');
        foreach (long value in values)
            Integer(value);
        return Raw('t');
    }

    public PickleText Global(string module, string name)
    {
        _bytes.AddRange([(byte)'c', .. Encoding.UTF8.GetBytes($"{module}\n{name}\n")]);
        return this;
    }
}
