using System.Text.Json;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Conversion;

/// <summary>What a config.json of Gemma 2 or 3 has beside a llama's: soft caps, windows and a second RoPE base. What a GGUF file could not
/// say, and a reader would then take for the usual, is refused.</summary>
internal static class HuggingFaceGemma
{
    public static void AddTo(GgufWriter writer, HuggingFaceJson json, HuggingFaceConfig config)
    {
        GemmaTraits traits = config.Gemma ?? throw new ArgumentException($"{config.Architecture} is no Gemma.", nameof(config));
        string a = config.Architecture;
        int window = json.Integer("sliding_window", 4096), interval = Interval(json, config, traits);
        if (window < 1)
            throw json.Fail($"'sliding_window' is {window}; expected 1 or more.");
        writer.Add($"{a}.attention.sliding_window", (uint)window);
        if (interval != traits.WindowInterval)
            writer.Add($"{a}.attention.sliding_window_pattern", (uint)interval);
        if (Cap(json, "attn_logit_softcapping", traits.AttentionCap) is { } attention)
            writer.Add($"{a}.attn_logit_softcapping", attention);
        if (Cap(json, "final_logit_softcapping", traits.LogitCap) is { } logits)
            writer.Add($"{a}.final_logit_softcapping", logits);
        if (traits.WindowRopeBase != 0)
            writer.Add($"{a}.rope.freq_base_swa", (float)WindowRopeBase(json, traits));
        RefuseUnsaid(json, config, traits);
    }

    private static void RefuseUnsaid(HuggingFaceJson json, HuggingFaceConfig config, GemmaTraits traits)
    {
        if (json.Text(json.Root, "hidden_activation", json.Text(json.Root, "hidden_act", "gelu_pytorch_tanh")) is not "gelu_pytorch_tanh" and var act)
            throw json.Fail($"'hidden_activation' is {GgufText.Describe(act, 60)}; expected gelu_pytorch_tanh, as every Gemma has.");
        if (json.Flag("use_bidirectional_attention", fallback: false))
            throw json.Fail("'use_bidirectional_attention' is true; expected false: this engine computes what comes after what is known, no encoders.");
        int scale = traits.QueryScaleLength(config.Blocks, config.Embedding, config.Heads, config.HeadLength);
        if (json.Number(json.Root, "query_pre_attn_scalar", scale) is var scalar && scalar != scale)
            throw json.Fail($"'query_pre_attn_scalar' is {scalar}; expected {scale}, since a GGUF file of {config.Blocks} layers cannot say otherwise.");
    }

    /// <summary>Null: the file needs no such key. A null in the file is no cap at all.</summary>
    private static float? Cap(HuggingFaceJson json, string key, float? usual)
    {
        if (usual is null or 0)
            return HuggingFaceJson.Has(json.Root, key, out _) ? (float)json.Number(json.Root, key) : null;
        return json.Root.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.Null
            ? throw json.Fail($"'{key}' is null; expected a number, since a GGUF file without one means {usual}.") : (float)json.Number(json.Root, key, usual.Value);
    }

    private static int Interval(HuggingFaceJson json, HuggingFaceConfig config, GemmaTraits traits)
    {
        int interval = json.Integer("sliding_window_pattern", json.Integer("_sliding_window_pattern", traits.WindowInterval));
        if (interval < 1)
            throw json.Fail($"'sliding_window_pattern' is {interval}; expected 1 or more.");
        if (!HuggingFaceJson.Has(json.Root, "layer_types", out JsonElement types))
            return interval;
        bool usual = types.ValueKind == JsonValueKind.Array && types.GetArrayLength() == config.Blocks
            && types.EnumerateArray().Select((type, i) => type.ValueKind == JsonValueKind.String
                && type.GetString() == ((i + 1) % interval == 0 ? "full_attention" : "sliding_attention")).All(static same => same);
        return usual ? interval : throw json.Fail($"'layer_types' is not full_attention for every {interval}th of {config.Blocks} layers and sliding_attention for the others; a GGUF file could not say so.");
    }

    private static double WindowRopeBase(HuggingFaceJson json, GemmaTraits traits)
    {
        if (HuggingFaceJson.Has(json.Root, "rope_parameters", out JsonElement all) && HuggingFaceJson.Has(all, "sliding_attention", out JsonElement own))
        {
            return json.Text(own, "rope_type", "default") == "default" ? json.Number(own, "rope_theta", traits.WindowRopeBase)
                : throw json.Fail("RoPE of windowed layers is scaled ('rope_parameters'); expected the default.");
        }

        return json.Number(json.Root, "rope_local_base_freq", traits.WindowRopeBase);
    }
}
