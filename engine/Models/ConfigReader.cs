using SmolCluster.Engine.Gguf;

namespace SmolCluster.Engine.Models;

/// <summary>From metadata to <see cref="ModelConfig"/>: which key, which default, and what must hold between values.</summary>
internal static class ConfigReader
{
    public static (ModelConfig Config, IReadOnlyList<Hyperparameter> Mapping) Read(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        RefuseAdapters(file);
        var table = new Hyperparameters(file);
        int embedding = table.Integer("embedding_length");
        int heads = table.Integer("attention.head_count");
        int headsKv = table.Integer("attention.head_count_kv", heads, "as many as query heads");
        if (heads % headsKv != 0)
            throw table.Fail($"{heads} query heads ('{table.Key("attention.head_count")}') cannot share {headsKv} key/value heads "
                + $"('{table.Key("attention.head_count_kv")}') evenly.");
        int headLength = HeadLength(table, embedding, heads);
        int context = table.Integer("context_length");
        int blocks = table.Integer("block_count");
        RopeConfig rope = Rope(table, headLength, context);
        var config = new ModelConfig
        {
            Architecture = table.Architecture.Name,
            Name = file.Metadata.Text("general.name", Path.GetFileNameWithoutExtension(file.Path)),
            BlockCount = blocks,
            ContextLength = context,
            EmbeddingLength = embedding,
            FeedForwardLength = table.Integer("feed_forward_length"),
            HeadCount = heads,
            HeadCountKv = headsKv,
            HeadLength = headLength,
            RmsEpsilon = (float)table.Number("attention.layer_norm_rms_epsilon"),
            VocabularyLength = Vocabulary(file, table),
            Rope = rope,
            NoRopeInterval = table.Architecture.NoRopeInterval,
            NormalizesHeads = table.Architecture.NormalizesHeads,
            HasAttentionBias = table.Architecture.HasAttentionBias,
            IsFused = table.Architecture.IsFused,
        };
        if (table.Architecture.Gemma is { } gemma)
            config = Gemma(table, gemma, config);
        table.Note("no_rope_interval", "every n-th block applies no RoPE; 0: none", $"{config.NoRopeInterval}",
            "property of the architecture");
        table.Note("rope_pairs", "elements of a head that RoPE turns together", config.Rope.Pairs == RopePairs.Halves ? "i, i + half" : "2i, 2i + 1",
            "property of the architecture");
        return (config, table.Rows);
    }

    private static ModelConfig Gemma(Hyperparameters table, GemmaTraits traits, ModelConfig config)
    {
        const string property = "property of the architecture";
        RopeConfig rope = config.Rope;
        if (rope.Scaling == RopeScaling.Yarn)
            throw table.Fail($"'{table.Key("rope.scaling.type")}' is yarn; expected none or linear, since windowed layers turn by another base.");
        double windowBase = table.Number("rope.freq_base_swa", traits.WindowRopeBase == 0 ? rope.Base : traits.WindowRopeBase, property);
        RopeConfig windowRope = traits.WindowRopeBase == 0 ? rope with { Base = windowBase } : rope with { Base = windowBase, Scaling = RopeScaling.None, Factor = 1 };
        int window = table.Integer("attention.sliding_window", traits.WindowLength, property);
        config = config with
        {
            NormalizesOutputs = true,
            GatesByGelu = true,
            EmbeddingScale = MathF.Sqrt(config.EmbeddingLength),
            QueryScaleLength = traits.QueryScaleLength(config.BlockCount, config.EmbeddingLength, config.HeadCount, config.HeadLength),
            AttentionCap = traits.AttentionCap is { } cap ? (float)table.Number("attn_logit_softcapping", cap, property) : 0,
            LogitCap = (float)table.Number("final_logit_softcapping", traits.LogitCap, property),
            WindowLength = window,
            WindowInterval = table.Integer("attention.sliding_window_pattern", traits.WindowInterval, property),
            WindowRope = window == 0 || windowRope == rope ? null : windowRope,
        };
        table.Note("embedding_scale", "multiplies the embeddings", $"{config.EmbeddingScale}", "the root of the embedding length");
        table.Note("query_scale_length", "scores are divided by its root", $"{config.QueryScaleLength}", property);
        table.Note("activation", "of the feed-forward part's gate", "gelu, by tanh", property);
        return config;
    }

    private static void RefuseAdapters(GgufFile file)
    {
        if (file.Metadata.Text("general.type", "model") is not "model")
        {
            throw new GgufException($"{file.Path}: 'general.type' is {file.Metadata.Describe("general.type")}; expected \"model\". "
                + "Adapters and projectors cannot run alone; load the model they belong to.");
        }
    }

    private static int HeadLength(Hyperparameters table, int embedding, int heads)
    {
        bool own = table.Has("attention.key_length");
        if (!own && embedding % heads != 0)
            throw table.Fail($"the embedding length {embedding} is no multiple of the {heads} heads, and "
                + $"'{table.Key("attention.key_length")}' is missing.");
        int length = table.Integer("attention.key_length", embedding / heads, "embedding length / heads");
        int value = table.Integer("attention.value_length", length, "as the key length");
        if (value != length)
            throw table.Fail($"value heads of length {value} beside key heads of length {length}; this engine expects equal ones.");
        return length % 2 == 0 ? length
            : throw table.Fail($"the head length is {length}; expected an even one, since RoPE turns pairs.");
    }

    private static int Vocabulary(GgufFile file, Hyperparameters table)
    {
        const string tokens = "tokenizer.ggml.tokens";
        long? length = null;
        string? why = null;
        if (file.Metadata.Contains(tokens))
            (length, why) = (file.Metadata.Count(tokens), $"the length of {tokens}");
        else if (file.TryGetTensor("token_embd.weight", out GgufTensor? embeddings))
            (length, why) = (embeddings.Rows, "the rows of token_embd.weight");
        int vocabulary = table.Integer("vocab_size", length is null ? null : (int)Math.Min(length.Value, int.MaxValue), why);
        return length is null || length == vocabulary ? vocabulary
            : throw table.Fail($"'{table.Key("vocab_size")}' is {vocabulary}, but {why} is {length}.");
    }

    private static RopeConfig Rope(Hyperparameters table, int headLength, int context)
    {
        int dimensions = table.Integer("rope.dimension_count", headLength, "the head length");
        if (dimensions > headLength || dimensions % 2 != 0)
            throw table.Fail($"RoPE turns {dimensions} dimensions ('{table.Key("rope.dimension_count")}'); expected an even number, at "
                + $"most the head length {headLength}.");
        double frequencyBase = table.Number("rope.freq_base", 10_000);
        double factor = table.Has("rope.scale_linear") && !table.Has("rope.scaling.factor")
            ? table.Number("rope.scale_linear") : table.Number("rope.scaling.factor", 1, "no scaling");
        RopeScaling scaling = Scaling(table, factor);
        int original = table.Integer("rope.scaling.original_context_length", context, "the context length");
        double attention = table.Number("rope.scaling.attn_factor", 1) * table.Number("rope.scaling.yarn_attn_factor", 1);
        double extrapolation = table.Number("rope.scaling.yarn_ext_factor", scaling == RopeScaling.Yarn ? 1 : 0);
        double fast = table.Number("rope.scaling.yarn_beta_fast", 32), slow = table.Number("rope.scaling.yarn_beta_slow", 1);
        if (scaling != RopeScaling.Yarn && (attention != 1 || extrapolation != 0))
            throw table.Fail($"YaRN's factors are set, but '{table.Key("rope.scaling.type")}' is not yarn.");
        if (slow >= fast)
            throw table.Fail($"YaRN's beta_fast is {fast} and its beta_slow {slow}; expected beta_slow below beta_fast.");
        return new RopeConfig(dimensions, frequencyBase, scaling, scaling == RopeScaling.None ? 1 : factor, original, extrapolation,
            attention, fast, slow)
        {
            Pairs = table.Architecture.Pairs,
        };
    }

    private static RopeScaling Scaling(Hyperparameters table, double factor)
    {
        const string suffix = "rope.scaling.type";
        string type = table.Text(suffix, "RoPE scaling", factor == 1 ? "none" : "linear",
            factor == 1 ? "no scaling" : "a factor without a type is linear");
        return type switch
        {
            "none" when factor == 1 => RopeScaling.None,
            "none" => throw table.Fail($"'{table.Key(suffix)}' is none beside a scaling factor of {factor}; which one is meant cannot be "
                + "told."),
            "linear" => RopeScaling.Linear,
            "yarn" => RopeScaling.Yarn,
            _ => throw table.Fail($"'{table.Key(suffix)}' is {GgufText.Describe(type, 40)}; this engine knows none, linear and yarn."),
        };
    }
}
