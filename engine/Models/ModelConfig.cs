using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Gguf;

namespace SmolCluster.Engine.Models;

/// <summary>A model's shape as data, validated; there is no subclass an architecture. Lengths in elements, positions in tokens.</summary>
public sealed record ModelConfig
{
    /// <summary><c>general.architecture</c>, one of <see cref="Hyperparameters.Architectures"/>.</summary>
    public required string Architecture { get; init; }

    /// <summary><c>general.name</c>, or the file's name without extension.</summary>
    public required string Name { get; init; }

    public required int BlockCount { get; init; }

    public required int ContextLength { get; init; }

    public required int EmbeddingLength { get; init; }

    public required int FeedForwardLength { get; init; }

    public required int HeadCount { get; init; }

    /// <summary>Divides <see cref="HeadCount"/>: each key/value head serves HeadCount / HeadCountKv query heads.</summary>
    public required int HeadCountKv { get; init; }

    public required int HeadLength { get; init; }

    public required float RmsEpsilon { get; init; }

    public required int VocabularyLength { get; init; }

    public required RopeConfig Rope { get; init; }

    /// <summary>Every n-th layer (0-based n-1, 2n-1, …) applies no RoPE; 0: all layers apply it. 4 for smollm3, where no key says
    /// so.</summary>
    public required int NoRopeInterval { get; init; }

    /// <summary>Query and key heads are normalized before they are rotated, each by a weight of its length (Qwen3).</summary>
    public bool NormalizesHeads { get; init; }

    /// <summary>Query, key and value have a bias (Qwen2).</summary>
    public bool HasAttentionBias { get; init; }

    /// <summary>Query, key and value are one matrix in the file, and gate and up another (Phi 3).</summary>
    public bool IsFused { get; init; }

    /// <summary>The output of attention and of the feed-forward part is normalized before it is added (Gemma 2 and 3).</summary>
    public bool NormalizesOutputs { get; init; }

    /// <summary>The feed-forward part's gate goes through GELU in the form with tanh; else through SiLU.</summary>
    public bool GatesByGelu { get; init; }

    /// <summary>Multiplies the embeddings.</summary>
    public float EmbeddingScale { get; init; } = 1;

    /// <summary>Scores of attention are divided by the root of this; null: the head length.</summary>
    public int? QueryScaleLength { get; init; }

    /// <summary>Scores s of attention become c · tanh(s / c); 0: they stay as they are.</summary>
    public float AttentionCap { get; init; }

    /// <summary>The logits as well.</summary>
    public float LogitCap { get; init; }

    /// <summary>Tokens that a token of a windowed layer sees, itself among them; 0: no layer is windowed.</summary>
    public int WindowLength { get; init; }

    /// <summary>Every n-th layer (0-based n-1, 2n-1, …) sees everything all the same.</summary>
    public int WindowInterval { get; init; }

    /// <summary>Rotary positions of the windowed layers, of the same dimensions; null: as those of the others.</summary>
    public RopeConfig? WindowRope { get; init; }

    /// <summary>Whether a layer sees a window only.</summary>
    public bool HasWindow(int layer) => WindowLength != 0 && (layer + 1) % WindowInterval != 0;

    public bool AppliesRope(int layer) => NoRopeInterval == 0 || (layer + 1) % NoRopeInterval != 0;

    /// <summary>Bytes that one position takes in the KV cache.</summary>
    public long KvBytesPerToken(KvType type) => KvLayout.Bytes(type, 2L * BlockCount * HeadCountKv * HeadLength);

    /// <summary>The shape of a complete model: its metadata read and every tensor's presence, type and shape checked.</summary>
    /// <exception cref="GgufException">A key or tensor is missing or odd, or the architecture is not one this engine runs.</exception>
    public static ModelConfig From(GgufFile file)
    {
        (ModelConfig config, _) = ConfigReader.Read(file);
        ModelTensors.Validate(file, config);
        return config;
    }

    /// <summary>Which metadata key was taken for what, defaults included; for files without tensors too.</summary>
    /// <exception cref="GgufException">A key is missing or odd, or the architecture is not one this engine runs.</exception>
    public static IReadOnlyList<Hyperparameter> Mapping(GgufFile file) => ConfigReader.Read(file).Mapping;
}

/// <summary>Rotary positions.</summary>
/// <param name="Dimensions">Rotated dimensions of each head, even, at most the head length.</param>
/// <param name="Scaling">none, linear or yarn.</param>
public sealed record RopeConfig(int Dimensions, double Base, RopeScaling Scaling, double Factor, int OriginalContextLength,
    double YarnExtrapolation, double YarnAttention, double YarnBetaFast, double YarnBetaSlow)
{
    public RopePairs Pairs { get; init; }
}

/// <summary>Which two elements of a head turn together.</summary>
public enum RopePairs
{
    /// <summary>2i and 2i + 1: llama.cpp's NORM.</summary>
    Neighbours,

    /// <summary>i and i + half of the rotated dimensions: llama.cpp's NEOX.</summary>
    Halves,
}

public enum RopeScaling { None, Linear, Yarn }
