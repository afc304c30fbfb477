using System.Text;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Tests.Gguf;

/// <summary>Writes GGUF bytes field by field, right or wrong, for tests of hostile files; and small whole models.</summary>
internal sealed class GgufBytes
{
    private readonly List<byte> written = [];

    /// <summary>Magic, version 3 and the two counts.</summary>
    public static GgufBytes Header(ulong tensors, ulong keys, uint version = 3) =>
        new GgufBytes().Raw("GGUF"u8).U32(version).U64(tensors).U64(keys);

    public GgufBytes Raw(ReadOnlySpan<byte> bytes)
    {
        written.AddRange(bytes);
        return this;
    }

    public GgufBytes U8(byte value) => Raw([value]);

    public GgufBytes U32(uint value) => Raw(BitConverter.GetBytes(value));

    public GgufBytes U64(ulong value) => Raw(BitConverter.GetBytes(value));

    public GgufBytes Text(string text) => U64((ulong)Encoding.UTF8.GetByteCount(text)).Raw(Encoding.UTF8.GetBytes(text));

    public GgufBytes Type(GgufValueType type) => U32((uint)type);

    public GgufBytes Entry(string key, uint value) => Text(key).Type(GgufValueType.UInt32).U32(value);

    public GgufBytes Tensor(string name, GgmlType type, ulong offset, params ulong[] dimensions)
    {
        Text(name).U32((uint)dimensions.Length);
        foreach (ulong length in dimensions)
            U64(length);
        return U32((uint)type).U64(offset);
    }

    /// <summary>Zeros up to the next multiple of 32, then <paramref name="bytes"/> more.</summary>
    public GgufBytes Data(int bytes) => Raw(new byte[((32 - (written.Count % 32)) % 32) + bytes]);

    public byte[] ToArray() => [.. written];

    /// <summary>Opens the bytes as a file, which must be refused, and returns the message.</summary>
    public string Refused() => RefusalOf(ToArray());

    public static string RefusalOf(byte[] bytes)
    {
        using var folder = TestData.Temporary();
        string path = folder.File("hostile.gguf");
        File.WriteAllBytes(path, bytes);
        var error = Assert.Throws<GgufException>(() => GgufFile.Open(path));
        Assert.StartsWith(path + ": ", error.Message, StringComparison.Ordinal);
        return error.Message;
    }

    /// <summary>A whole model of 2 blocks with all its keys and F32 tensors: 4 heads of 8, embedding 32, feed-forward 64, 20
    /// tokens.</summary>
    /// <param name="architecture">Prefix of the keys.</param>
    /// <param name="change">Replaces keys (a null value removes one), or adds them.</param>
    /// <param name="tensors">Replaces dimensions of tensors (null removes one), or adds tensors.</param>
    public static byte[] Model(string architecture = "llama", Dictionary<string, object?>? change = null, Dictionary<string,
        long[]?>? tensors = null)
    {
        var values = new Dictionary<string, object?>
        {
            ["general.architecture"] = architecture,
            ["general.name"] = "small",
            [$"{architecture}.block_count"] = 2u,
            [$"{architecture}.context_length"] = 128u,
            [$"{architecture}.embedding_length"] = 32u,
            [$"{architecture}.feed_forward_length"] = 64u,
            [$"{architecture}.attention.head_count"] = 4u,
            [$"{architecture}.attention.head_count_kv"] = 2u,
            [$"{architecture}.attention.layer_norm_rms_epsilon"] = 1e-5f,
            ["tokenizer.ggml.tokens"] = Enumerable.Range(0, 20).Select(static i => $"t{i}").ToArray(),
            ["tokenizer.ggml.scores"] = new float[20],
        };
        var shapes = new Dictionary<string, long[]?>
        {
            ["token_embd.weight"] = [32, 20],
            ["output_norm.weight"] = [32],
        };
        for (int i = 0; i < 2; i++)
        {
            shapes[$"blk.{i}.attn_norm.weight"] = shapes[$"blk.{i}.ffn_norm.weight"] = [32];
            shapes[$"blk.{i}.attn_q.weight"] = shapes[$"blk.{i}.attn_output.weight"] = [32, 32];
            shapes[$"blk.{i}.attn_k.weight"] = shapes[$"blk.{i}.attn_v.weight"] = [32, 16];
            shapes[$"blk.{i}.ffn_gate.weight"] = shapes[$"blk.{i}.ffn_up.weight"] = [32, 64];
            shapes[$"blk.{i}.ffn_down.weight"] = [64, 32];
        }

        foreach ((string key, object? value) in change ?? [])
            values[key] = value;
        foreach ((string name, long[]? shape) in tensors ?? [])
            shapes[name] = shape;
        var writer = new GgufWriter();
        foreach ((string key, object? value) in values.Where(static v => v.Value is not null))
            writer.Add(key, value!);
        foreach ((string name, long[]? shape) in shapes.Where(static s => s.Value is not null))
            writer.AddTensor(name, GgmlType.F32, shape, static (chunk, _) => chunk.Clear());
        using var stream = new MemoryStream();
        writer.Write(stream);
        return stream.ToArray();
    }

    /// <summary>The same as a model of gemma2 or gemma3, whose norms it has besides.</summary>
    public static byte[] Gemma(string architecture, Dictionary<string, object?>? change = null, Dictionary<string, long[]?>? tensors = null)
    {
        var shapes = new Dictionary<string, long[]?>();
        for (int i = 0; i < 2; i++)
        {
            shapes[$"blk.{i}.post_attention_norm.weight"] = shapes[$"blk.{i}.post_ffw_norm.weight"] = [32];
            if (architecture == "gemma3")
                shapes[$"blk.{i}.attn_q_norm.weight"] = shapes[$"blk.{i}.attn_k_norm.weight"] = [8];
        }

        foreach ((string name, long[]? shape) in tensors ?? [])
            shapes[name] = shape;
        return Model(architecture, change, shapes);
    }
}
