using System.Text.Json;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Conversion;

/// <summary>A Hugging Face config.json as GGUF's keys, for the architectures whose tensors this converter can name.</summary>
internal sealed class HuggingFaceConfig
{
    /// <summary>By model_type: GGUF's architecture, and whether the rows of query and key heads are laid out for pairs side by side.</summary>
    private static readonly Dictionary<string, (string Architecture, bool Interleaved)> Known = new(StringComparer.Ordinal)
    {
        ["smollm3"] = ("smollm3", true),
        ["llama"] = ("llama", true),
        ["mistral"] = ("llama", true),
        ["qwen2"] = ("qwen2", false),
        ["qwen3"] = ("qwen3", false),
        ["gemma2"] = ("gemma2", false),
        ["gemma3_text"] = ("gemma3", false),
    };

    private readonly HuggingFaceJson _json;

    public HuggingFaceConfig(HuggingFaceJson json)
    {
        _json = json;
        string type = json.Text(json.Root, "model_type");
        if (!Known.TryGetValue(type, out (string Architecture, bool Interleaved) known))
            throw json.Fail($"'model_type' is {GgufText.Describe(type, 60)}; this converter knows {string.Join(", ", Known.Keys)}.");
        (Architecture, IsInterleaved) = known;
        Gemma = Array.Find(Hyperparameters.Architectures, a => a.Name == Architecture)?.Gemma;
        RefuseUnused();
        Blocks = json.Integer("num_hidden_layers");
        Embedding = json.Integer("hidden_size");
        Heads = json.Integer("num_attention_heads");
        HeadsKv = json.Integer("num_key_value_heads", Heads);
        if (Blocks < 1 || Heads < 1 || HeadsKv < 1 || Embedding < 1 || Heads % HeadsKv != 0)
            throw json.Fail($"{Blocks} layers, hidden size {Embedding}, {Heads} query heads over {HeadsKv} key/value heads make no model.");
        HeadLength = json.Integer("head_dim", Gemma is null ? Embedding / Heads : 256);
        Vocabulary = json.Integer("vocab_size");
        IsTied = json.Flag("tie_word_embeddings", fallback: Gemma is not null);
        CheckRopeLayers();
    }

    public string Architecture { get; }

    /// <summary>Query and key rows are written as pairs (2i, 2i+1); Hugging Face has (i, i + half).</summary>
    public bool IsInterleaved { get; }

    /// <summary>Null: no Gemma. Its norms are written as what is added to 1.</summary>
    public GemmaTraits? Gemma { get; }

    public int Blocks { get; }

    public int Embedding { get; }

    public int Heads { get; }

    public int HeadsKv { get; }

    public int HeadLength { get; }

    public int Vocabulary { get; }

    public bool IsTied { get; }

    /// <summary>Divisors of RoPE's frequencies that Llama 3 scales by, [head length / 2]; null: none.</summary>
    public float[]? RopeFactors { get; private set; }

    public void AddTo(GgufWriter writer)
    {
        string a = Architecture;
        writer.Add($"{a}.block_count", (uint)Blocks)
            .Add($"{a}.context_length", (uint)_json.Integer("max_position_embeddings"))
            .Add($"{a}.embedding_length", (uint)Embedding)
            .Add($"{a}.feed_forward_length", (uint)_json.Integer("intermediate_size"))
            .Add($"{a}.attention.head_count", (uint)Heads)
            .Add($"{a}.attention.head_count_kv", (uint)HeadsKv)
            .Add($"{a}.attention.layer_norm_rms_epsilon", (float)_json.Number(_json.Root, "rms_norm_eps"))
            .Add($"{a}.rope.dimension_count", (uint)HeadLength)
            .Add($"{a}.rope.freq_base", (float)RopeBase())
            .Add($"{a}.vocab_size", (uint)Vocabulary);
        if (HeadLength != Embedding / Heads)
            writer.Add($"{a}.attention.key_length", (uint)HeadLength).Add($"{a}.attention.value_length", (uint)HeadLength);
        AddRopeScaling(writer);
        if (Gemma is not null)
            HuggingFaceGemma.AddTo(writer, _json, this);
    }

    private double RopeBase() => HasRopeParameters(out JsonElement parameters) && HuggingFaceJson.Has(parameters, "rope_theta", out _)
        ? _json.Number(parameters, "rope_theta") : _json.Number(_json.Root, "rope_theta", Architecture == "gemma3" ? 1e6 : 10_000);

    // of layers without a window, where there are two kinds
    private bool HasRopeParameters(out JsonElement parameters)
    {
        if (!HuggingFaceJson.Has(_json.Root, "rope_parameters", out parameters))
            return false;
        if (HuggingFaceJson.Has(parameters, "full_attention", out JsonElement full))
            parameters = full;
        return true;
    }

    private void AddRopeScaling(GgufWriter writer)
    {
        if (!HuggingFaceJson.Has(_json.Root, "rope_scaling", out JsonElement scaling) && !HasRopeParameters(out scaling))
            return;
        string type = _json.Text(scaling, "rope_type", _json.Text(scaling, "type", "default"));
        string prefix = $"{Architecture}.rope.scaling";
        switch (type)
        {
            case "default":
                break;
            case "linear":
                writer.Add($"{prefix}.type", "linear").Add($"{prefix}.factor", (float)_json.Number(scaling, "factor"));
                break;
            case "yarn":
                writer.Add($"{prefix}.type", "yarn").Add($"{prefix}.factor", (float)_json.Number(scaling, "factor"))
                    .Add($"{prefix}.original_context_length", (uint)_json.Number(scaling, "original_max_position_embeddings", _json.Integer("max_position_embeddings")));
                break;
            case "llama3":
                RopeFactors = Llama3Factors(scaling);
                break;
            default:
                throw _json.Fail($"RoPE scaling of type {GgufText.Describe(type, 60)} is not known; expected linear, yarn or llama3.");
        }
    }

    /// <summary>Long waves are stretched by the factor, short ones stay, and between them it goes over evenly (Llama 3.1's report).</summary>
    private float[] Llama3Factors(JsonElement scaling)
    {
        double factor = _json.Number(scaling, "factor"), low = _json.Number(scaling, "low_freq_factor", 1), high = _json.Number(scaling, "high_freq_factor", 4);
        double original = _json.Number(scaling, "original_max_position_embeddings", 8192), theta = RopeBase();
        if (!(factor >= 1) || !(high > low) || !(low > 0) || !(original >= 1))
            throw _json.Fail("the llama3 RoPE scaling has factors that make no sense.");
        float[] factors = new float[HeadLength / 2];
        for (int i = 0; i < factors.Length; i++)
        {
            double wave = 2 * Math.PI * Math.Pow(theta, 2.0 * i / HeadLength), share = Math.Clamp(((original / wave) - low) / (high - low), 0, 1);
            factors[i] = (float)(1 / (((1 - share) / factor) + share));
        }

        return factors;
    }

    /// <summary>What the forward pass of this engine does not compute; to drop it in silence would change every answer.</summary>
    private void RefuseUnused()
    {
        if (HuggingFaceJson.Has(_json.Root, "quantization_config", out _))
            throw _json.Fail("the checkpoint is quantized ('quantization_config'); convert the original one.");
        if (Gemma is not null)
            return; // looked at where its keys are read
        if (_json.Text(_json.Root, "hidden_act", "silu") is not "silu" and var act)
            throw _json.Fail($"'hidden_act' is {GgufText.Describe(act, 60)}; this engine computes silu.");
        if (HuggingFaceJson.Has(_json.Root, "sliding_window", out _) && _json.Flag("use_sliding_window", fallback: Architecture == "llama"))
            throw _json.Fail("the model attends to a sliding window ('sliding_window'), which this engine does not.");
    }

    private void CheckRopeLayers()
    {
        if (Architecture != "smollm3")
            return;
        const int every = 4; // what the engine takes for smollm3, whose files have no key for it
        if (!HuggingFaceJson.Has(_json.Root, "no_rope_layers", out JsonElement layers))
        {
            if (_json.Integer("no_rope_layer_interval", every) != every)
                throw _json.Fail("'no_rope_layer_interval' is not 4; a smollm3 GGUF file cannot say so.");
            return;
        }

        // 1 means: uses RoPE
        bool usual = layers.ValueKind == JsonValueKind.Array && layers.GetArrayLength() == Blocks
            && layers.EnumerateArray().Select(static (layer, i) => layer.ValueKind == JsonValueKind.Number && layer.GetDouble() == ((i + 1) % every == 0 ? 0 : 1)).All(static same => same);
        if (!usual)
            throw _json.Fail("'no_rope_layers' is not every fourth layer; a smollm3 GGUF file cannot say so.");
    }
}
