using System.Runtime.InteropServices;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Models;

/// <summary>Writes models of a true shape with random weights: to measure speed and memory where the real weights cannot be
/// had, and to test on shapes no published file has. What they say means nothing; that they say the same each time does.</summary>
public static class RandomModel
{
    private static readonly Shape[] Known =
    [
        new("smollm3-3b", "smollm3", 36, 65_536, 2048, 11_008, 16, 4, 128, 5e6f, 128_256, 256, TiedHead: true, RopeFactors: false),
        // its layers, few enough of them to measure long contexts in minutes
        new("smollm3-4-layers", "smollm3", 4, 65_536, 2048, 11_008, 16, 4, 128, 5e6f, 128_256, 256, TiedHead: true, RopeFactors: false),
        new("llama-1b", "llama", 16, 131_072, 2048, 8192, 32, 8, 64, 5e5f, 128_256, 256, TiedHead: true, RopeFactors: true),
        new("tiny", "smollm3", 8, 4096, 256, 768, 4, 2, 64, 5e6f, 2048, 48, TiedHead: true, RopeFactors: false),
        new("tiny-llama", "llama", 4, 2048, 256, 768, 8, 4, 32, 1e4f, 2048, 48, TiedHead: false, RopeFactors: true),
        new("tiny-qwen2", "qwen2", 4, 2048, 256, 768, 8, 4, 32, 1e6f, 2048, 48, TiedHead: true, RopeFactors: false) { HasBias = true },
        new("tiny-qwen3", "qwen3", 4, 2048, 256, 768, 4, 2, 128, 1e6f, 2048, 48, TiedHead: true, RopeFactors: false) { NormalizesHeads = true },
        new("tiny-phi3", "phi3", 4, 2048, 256, 768, 8, 4, 32, 1e4f, 2048, 48, TiedHead: false, RopeFactors: false) { IsFused = true },
        new("tiny-gemma2", "gemma2", 4, 2048, 256, 768, 8, 4, 64, 1e4f, 2048, 48, TiedHead: true, RopeFactors: false) { NormalizesOutputs = true, Window = 24, Caps = (4, 3) },
        new("tiny-gemma3", "gemma3", 7, 2048, 256, 768, 4, 1, 128, 1e6f, 2048, 48, TiedHead: true, RopeFactors: false) { NormalizesHeads = true, NormalizesOutputs = true, Window = 70, RopeFactor = 8 },
    ];

    private static readonly GgmlType[] KnownTypes = [.. Enum.GetValues<GgmlType>().Where(static t => BlockFormat.TryGet(t, out _))];

    /// <summary>Names for the part of a shape before the colon.</summary>
    public static IEnumerable<string> Shapes => Known.Select(static s => s.Name);

    /// <summary>Names for the part after the colon.</summary>
    public static IEnumerable<string> Types =>
        KnownTypes.Select(static t => t.ToString()).Append("Q4_K_M").Order(StringComparer.Ordinal);

    /// <summary>Writes <paramref name="path"/> under a temporary name beside it and renames it when complete.</summary>
    /// <param name="shape">A shape and a tensor type, e.g. <c>smollm3-3b:Q4_K_M</c>; the type may be left out.</param>
    /// <param name="seed">The same seed gives the same bytes on every machine.</param>
    /// <param name="progress">Told the share written, 0 to 1.</param>
    /// <exception cref="ArgumentException">The shape or type is not known; the message lists those that are.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string shape, string path, ulong seed, IProgress<double>? progress = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(shape);
        ArgumentException.ThrowIfNullOrEmpty(path);
        (Shape what, GgmlType? type) = Parse(shape);
        Describe(what, type, seed).WriteFile(path, progress);
    }

    /// <summary>A null type is the mix called Q4_K_M.</summary>
    private static (Shape Shape, GgmlType? Type) Parse(string text)
    {
        string[] parts = text.Split(':');
        Shape? shape = Array.Find(Known, s => s.Name == parts[0]);
        GgmlType? type = null;
        bool typeKnown = parts.Length == 1 || parts[1] == "Q4_K_M";
        if (!typeKnown && Enum.TryParse(parts[1], out GgmlType named) && KnownTypes.Contains(named) && named.ToString() == parts[1])
            (type, typeKnown) = (named, true);
        return shape is not null && typeKnown && parts.Length <= 2 ? (shape, type)
            : throw new ArgumentException($"'{text}' is no known shape; expected SHAPE:TYPE with a shape of {string.Join(", ", Shapes)} "
                + $"and a type of {string.Join(", ", Types)}, for example smollm3-3b:Q4_K_M.", nameof(text));
    }

    private static GgufWriter Describe(Shape s, GgmlType? type, ulong seed)
    {
        var writer = new GgufWriter();
        string mix = type?.ToString() ?? "Q4_K_M";
        writer.Add("general.architecture", s.Architecture)
            .Add("general.type", "model")
            .Add("general.name", $"{s.Name} {mix} random")
            .Add("general.description", $"Random weights of seed {seed} in a true shape, for measuring. Its answers mean nothing.")
            .Add("general.quantization_version", 2u)
            .Add("general.file_type", FileType(type))
            .Add($"{s.Architecture}.block_count", (uint)s.Blocks)
            .Add($"{s.Architecture}.context_length", (uint)s.Context)
            .Add($"{s.Architecture}.embedding_length", (uint)s.Embedding)
            .Add($"{s.Architecture}.feed_forward_length", (uint)s.FeedForward)
            .Add($"{s.Architecture}.attention.head_count", (uint)s.Heads)
            .Add($"{s.Architecture}.attention.head_count_kv", (uint)s.HeadsKv)
            .Add($"{s.Architecture}.attention.layer_norm_rms_epsilon", 1e-6f)
            .Add($"{s.Architecture}.rope.freq_base", s.RopeBase)
            .Add($"{s.Architecture}.rope.dimension_count", (uint)s.HeadLength)
            .Add($"{s.Architecture}.vocab_size", (uint)s.Vocabulary);
        if (s.HeadLength != s.Embedding / s.Heads)
            writer.Add($"{s.Architecture}.attention.key_length", (uint)s.HeadLength).Add($"{s.Architecture}.attention.value_length", (uint)s.HeadLength);
        if (s.Window != 0)
            writer.Add($"{s.Architecture}.attention.sliding_window", (uint)s.Window);
        if (s.Caps is var (attention, logits))
            writer.Add($"{s.Architecture}.attn_logit_softcapping", attention).Add($"{s.Architecture}.final_logit_softcapping", logits);
        if (s.RopeFactor != 1)
            writer.Add($"{s.Architecture}.rope.scaling.type", "linear").Add($"{s.Architecture}.rope.scaling.factor", s.RopeFactor);
        RandomVocabulary.AddTo(writer, s.Vocabulary, s.SpecialTokens);
        AddTensors(writer, s, type, seed);
        return writer;
    }

    /// <summary>Of the small mix where every matrix has the same K type; medium for Q3_K.</summary>
    private static uint FileType(GgmlType? type) => QuantizationMix.Find(type switch
    {
        null => "Q4_K_M",
        GgmlType.Q4_K or GgmlType.Q5_K => $"{type}_S",
        _ => $"{type}",
    })!.FileType;

    private static void AddTensors(GgufWriter writer, Shape s, GgmlType? type, ulong seed)
    {
        var random = new SplitMix64(seed);
        var pools = new Dictionary<GgmlType, RandomBlocks>();
        GgmlType common = type ?? GgmlType.Q4_K, better = type ?? GgmlType.Q6_K;
        int query = s.Heads * s.HeadLength, key = s.HeadsKv * s.HeadLength;

        Matrix("token_embd.weight", better, s.Embedding, s.Vocabulary);
        if (!s.TiedHead)
            Matrix("output.weight", better, s.Embedding, s.Vocabulary);
        Vector("output_norm.weight", s.Embedding, 1);
        if (s.RopeFactors)
            Vector("rope_freqs.weight", s.HeadLength / 2, 1);
        for (int i = 0; i < s.Blocks; i++)
        {
            // llama.cpp's Q4_K_M spends more bits on the first and last eighth of the blocks and on every third between
            int eighth = s.Blocks / 8;
            GgmlType value = i < eighth || i >= 7 * s.Blocks / 8 || (i - eighth) % 3 == 2 ? better : common;
            Vector($"blk.{i}.attn_norm.weight", s.Embedding, 1);
            Attention(i, value);
            Matrix($"blk.{i}.attn_output.weight", common, query, s.Embedding);
            Vector($"blk.{i}.ffn_norm.weight", s.Embedding, 1);
            if (s.NormalizesOutputs)
            {
                Wave($"blk.{i}.post_attention_norm.weight", s.Embedding, 1);
                Wave($"blk.{i}.post_ffw_norm.weight", s.Embedding, 1);
            }

            if (!s.IsFused)
                Matrix($"blk.{i}.ffn_gate.weight", common, s.Embedding, s.FeedForward);
            Matrix($"blk.{i}.ffn_up.weight", common, s.Embedding, (s.IsFused ? 2 : 1) * s.FeedForward);
            Matrix($"blk.{i}.ffn_down.weight", value, s.FeedForward, s.Embedding);
        }

        void Attention(int i, GgmlType value)
        {
            if (s.IsFused)
            {
                Matrix($"blk.{i}.attn_qkv.weight", value, s.Embedding, query + (2 * key));
                return;
            }

            Matrix($"blk.{i}.attn_q.weight", common, s.Embedding, query);
            Matrix($"blk.{i}.attn_k.weight", common, s.Embedding, key);
            Matrix($"blk.{i}.attn_v.weight", value, s.Embedding, key);
            if (s.HasBias)
            {
                Wave($"blk.{i}.attn_q.bias", query, 0);
                Wave($"blk.{i}.attn_k.bias", key, 0);
                Wave($"blk.{i}.attn_v.bias", key, 0);
            }

            if (s.NormalizesHeads)
            {
                Wave($"blk.{i}.attn_q_norm.weight", s.HeadLength, 1);
                Wave($"blk.{i}.attn_k_norm.weight", s.HeadLength, 1);
            }
        }

        void Matrix(string name, GgmlType matrixType, long columns, long rows)
        {
            if (!pools.TryGetValue(matrixType, out RandomBlocks? pool))
                pools[matrixType] = pool = new RandomBlocks(matrixType, ref random);
            writer.AddTensor(name, matrixType, [columns, rows], pool.From(random.Next()));
        }

        void Vector(string name, long length, float value) =>
            writer.AddTensor(name, GgmlType.F32, [length], (chunk, _) => MemoryMarshal.Cast<byte, float>(chunk).Fill(value));

        // around a middle, in steps that no machine rounds otherwise
        void Wave(string name, long length, float middle) => writer.AddTensor(name, GgmlType.F32, [length], (chunk, offset) =>
        {
            Span<float> floats = MemoryMarshal.Cast<byte, float>(chunk);
            for (int i = 0; i < floats.Length; i++)
                floats[i] = middle + ((((offset / sizeof(float)) + i) * 37 % 101) - 50) / 128f;
        });
    }

    private sealed record Shape(string Name, string Architecture, int Blocks, int Context, int Embedding, int FeedForward, int Heads,
        int HeadsKv, int HeadLength, float RopeBase, int Vocabulary, int SpecialTokens, bool TiedHead, bool RopeFactors)
    {
        public bool HasBias { get; init; }

        public bool NormalizesHeads { get; init; }

        public bool IsFused { get; init; }

        public bool NormalizesOutputs { get; init; }

        /// <summary>Shorter than that of any model, so that tests see what falls out of it; 0: none.</summary>
        public int Window { get; init; }

        /// <summary>Small enough to be felt; null: none.</summary>
        public (float Attention, float Logits)? Caps { get; init; }

        /// <summary>Of linear scaling.</summary>
        public float RopeFactor { get; init; } = 1;
    }
}
