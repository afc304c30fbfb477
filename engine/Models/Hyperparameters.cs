using System.Globalization;
using SmolCluster.Engine.Gguf;

namespace SmolCluster.Engine.Models;

/// <summary>What one metadata key was taken to mean: a line of the mapping that <c>smol inspect</c> prints.</summary>
/// <param name="Key">As in the file, e.g. <c>smollm3.block_count</c>; a property of the architecture stands in parentheses.</param>
/// <param name="Default">Why this value, where the file has no such key; null where it has.</param>
public sealed record Hyperparameter(string Key, string Meaning, string Value, string? Default);

/// <summary>An architecture this engine runs, with what its files do not say.</summary>
/// <param name="NoRopeInterval">See <see cref="ModelConfig.NoRopeInterval"/>; no key of the published files holds it.</param>
/// <param name="Pairs">See <see cref="RopeConfig.Pairs"/>.</param>
internal sealed record Architecture(string Name, int NoRopeInterval = 0, RopePairs Pairs = RopePairs.Neighbours)
{
    /// <summary>See <see cref="ModelConfig.HasAttentionBias"/>.</summary>
    public bool HasAttentionBias { get; init; }

    /// <summary>See <see cref="ModelConfig.NormalizesHeads"/>.</summary>
    public bool NormalizesHeads { get; init; }

    /// <summary>See <see cref="ModelConfig.IsFused"/>.</summary>
    public bool IsFused { get; init; }

    /// <summary>What sets Gemma apart; null: it is none.</summary>
    public GemmaTraits? Gemma { get; init; }
}

/// <summary>What a generation of Gemma has that its files do not say, or not always.</summary>
/// <param name="WindowInterval">See <see cref="ModelConfig.WindowInterval"/>, where no key says it.</param>
/// <param name="WindowLength">See <see cref="ModelConfig.WindowLength"/>, where no key says it.</param>
/// <param name="WindowRopeBase">Of windowed layers, which then have no scaling, where no key says it; 0: as the others.</param>
/// <param name="AttentionCap">See <see cref="ModelConfig.AttentionCap"/>, where no key says it; null: it has none.</param>
/// <param name="LogitCap">See <see cref="ModelConfig.LogitCap"/>, where no key says it.</param>
/// <param name="WideBlocks">Blocks of the one size that divides scores by the root of embedding length / heads: no key tells, and
/// llama.cpp knows it by this number too.</param>
internal sealed record GemmaTraits(int WindowInterval, int WindowLength, double WindowRopeBase, float? AttentionCap, float LogitCap, int WideBlocks)
{
    /// <summary>See <see cref="ModelConfig.QueryScaleLength"/>.</summary>
    public int QueryScaleLength(int blocks, int embedding, int heads, int headLength) => blocks == WideBlocks ? embedding / heads : headLength;
}

/// <summary>Looks hyperparameters up under the file's own <c>general.architecture</c>, checks each against its range, and keeps
/// the mapping it applied. One table serves every architecture, because llama's relatives differ in prefixes and defaults
/// only; a reader that wrote <c>llama.attention.head_count</c> into its code is what fails on a smollm3 file.</summary>
internal sealed class Hyperparameters
{
    /// <summary>To add an architecture of llama's family, add a line.</summary>
    public static readonly Architecture[] Architectures =
    [
        new("smollm3", NoRopeInterval: 4),
        new("llama"),
        new("qwen2", Pairs: RopePairs.Halves) { HasAttentionBias = true },
        new("qwen3", Pairs: RopePairs.Halves) { NormalizesHeads = true },
        new("phi3", Pairs: RopePairs.Halves) { IsFused = true },
        new("gemma2", Pairs: RopePairs.Halves) { Gemma = new(2, 4096, 0, 50, 30, 46) },
        new("gemma3", Pairs: RopePairs.Halves) { NormalizesHeads = true, Gemma = new(6, 0, 10_000, null, 0, 62) },
    ];

    /// <summary>Every key read, its meaning and the values accepted. The bounds are far above any model of this family and keep
    /// all products of sizes within 63 bits.</summary>
    private static readonly Dictionary<string, Definition> Table = new(StringComparer.Ordinal)
    {
        ["block_count"] = new("transformer blocks", 1, 1024),
        ["context_length"] = new("positions the model was trained for", 1, 1 << 24),
        ["embedding_length"] = new("length of a token's vector", 1, 1 << 16),
        ["feed_forward_length"] = new("inner length of the feed-forward part", 1, 1 << 20),
        ["attention.head_count"] = new("query heads", 1, 1024),
        ["attention.head_count_kv"] = new("key/value heads", 1, 1024),
        ["attention.key_length"] = new("length of a query or key head", 2, 512),
        ["attention.value_length"] = new("length of a value head", 2, 512),
        ["attention.layer_norm_rms_epsilon"] = new("epsilon of RMSNorm", 1e-30, 1, Whole: false),
        ["vocab_size"] = new("tokens in the vocabulary", 1, 1 << 22),
        ["rope.dimension_count"] = new("rotated dimensions of a head", 2, 512),
        ["rope.freq_base"] = new("RoPE base", 2, 1e15, Whole: false),
        ["rope.scale_linear"] = new("RoPE scaling factor (old key)", 1, 1e6, Whole: false),
        ["rope.scaling.factor"] = new("RoPE scaling factor", 1, 1e6, Whole: false),
        ["rope.scaling.original_context_length"] = new("positions before scaling", 1, 1 << 24),
        ["rope.scaling.attn_factor"] = new("magnitude of scaled RoPE", 1e-3, 1e3, Whole: false),
        ["rope.scaling.yarn_attn_factor"] = new("magnitude of scaled RoPE (YaRN)", 1e-3, 1e3, Whole: false),
        ["rope.scaling.yarn_ext_factor"] = new("YaRN extrapolation", 0, 1, Whole: false),
        ["rope.scaling.yarn_beta_fast"] = new("YaRN turns of the fastest interpolated pair", 1e-3, 1e6, Whole: false),
        ["rope.scaling.yarn_beta_slow"] = new("YaRN turns of the slowest extrapolated pair", 1e-3, 1e6, Whole: false),
        ["rope.freq_base_swa"] = new("RoPE base of windowed layers", 2, 1e15, Whole: false),
        ["attention.sliding_window"] = new("positions that a windowed layer sees; 0: all", 0, 1 << 24),
        ["attention.sliding_window_pattern"] = new("every n-th layer has no window", 1, 1024),
        ["attn_logit_softcapping"] = new("bound of attention's scores", 1e-3, 1e6, Whole: false),
        ["final_logit_softcapping"] = new("bound of the logits; 0: none", 0, 1e6, Whole: false),
        // what this engine does not compute may be named only with the value that means "not used"
        ["expert_count"] = new("mixture-of-experts experts; this engine runs dense models only", 0, 0),
        ["attention.scale"] = new("attention scale of its own; this engine uses 1/√head length", 0, 0, Whole: false),
        ["logit_scale"] = new("scale of the logits; this engine has none", 0, 0, Whole: false),
        ["rope.scaling.yarn_log_multiplier"] = new("a YaRN variant; this engine has none", 0, 0, Whole: false),
    };

    private readonly GgufFile file;
    private readonly List<Hyperparameter> rows = [];

    /// <exception cref="GgufException">No architecture, or one this engine does not run.</exception>
    public Hyperparameters(GgufFile file)
    {
        this.file = file;
        string name = file.Metadata.Text("general.architecture");
        Architecture = Array.Find(Architectures, a => a.Name == name) ?? throw new GgufException(
            $"{file.Path}: the architecture is {file.Metadata.Describe("general.architecture")}; this engine runs "
            + $"{string.Join(", ", Architectures.Select(static a => a.Name))}. Choose a model of one of those.");
        rows.Add(new("general.architecture", "prefix of the keys below", name, null));
        RefuseUnused("expert_count", "attention.scale", "logit_scale", "rope.scaling.yarn_log_multiplier");
        if (Architecture.Gemma is null)
            RefuseUnused("attention.sliding_window", "attn_logit_softcapping", "final_logit_softcapping");
        else if (Architecture.Gemma.AttentionCap is null)
            RefuseUnused("attn_logit_softcapping");
    }

    public Architecture Architecture { get; }

    /// <summary>In the order of look-up.</summary>
    public IReadOnlyList<Hyperparameter> Rows => rows;

    public bool Has(string suffix) => file.Metadata.Contains(Key(suffix));

    public int Integer(string suffix, int? fallback = null, string? why = null) => (int)Value(suffix, fallback, why);

    public double Number(string suffix, double? fallback = null, string? why = null) => Value(suffix, fallback, why);

    public string Text(string suffix, string meaning, string fallback, string why)
    {
        string value = file.Metadata.Text(Key(suffix), fallback);
        rows.Add(new(Key(suffix), meaning, value, Has(suffix) ? null : why));
        return value;
    }

    /// <summary>Records a value that no key holds.</summary>
    public void Note(string name, string meaning, string value, string why) => rows.Add(new($"({name})", meaning, value, why));

    /// <summary>A contradiction between values that are each in range.</summary>
    public GgufException Fail(string message) =>
        new($"{file.Path}: architecture '{Architecture.Name}': {message} Convert the model again with a current converter.");

    public string Key(string suffix) => $"{Architecture.Name}.{suffix}";

    private double Value(string suffix, double? fallback, string? why)
    {
        Definition definition = Table[suffix];
        if (!Has(suffix) && fallback is null)
            throw Missing(suffix, definition);
        double value = Has(suffix) ? Read(suffix, definition) : fallback!.Value;
        if (!(value >= definition.Minimum && value <= definition.Maximum))
            throw Fail($"{Of(suffix, definition)} is {Show(value)}; expected {definition.Expected}.");
        rows.Add(new(Key(suffix), definition.Meaning, Show(value), Has(suffix) ? null : why ?? "the architecture's default"));
        return value;
    }

    private double Read(string suffix, Definition definition) => file.Metadata.Raw(Key(suffix)) switch
    {
        float number when !definition.Whole => number,
        double number when !definition.Whole => number,
        object value when GgufMetadata.AsInteger(value, out long integer) => integer,
        object value => throw Fail($"{Of(suffix, definition)} is {GgufText.TypeName(value)} {file.Metadata.Describe(Key(suffix))}; "
            + $"expected {definition.Expected}."),
        null => throw Missing(suffix, definition),
    };

    private void RefuseUnused(params ReadOnlySpan<string> suffixes)
    {
        foreach (string suffix in suffixes)
        {
            Definition definition = Table[suffix];
            if (Has(suffix) && Read(suffix, definition) != 0 && !IsWholeContext(suffix, definition))
            {
                throw new GgufException($"{file.Path}: architecture '{Architecture.Name}': the key '{Key(suffix)}' is "
                    + $"{file.Metadata.Describe(Key(suffix))} ({definition.Meaning}); expected none, since this engine has no such thing for "
                    + $"{Architecture.Name}. Its answers would be wrong; choose another model.");
            }
        }
    }

    /// <summary>A window that no position of the context falls out of is none.</summary>
    private bool IsWholeContext(string suffix, Definition definition) => suffix == "attention.sliding_window" && Has("context_length")
        && Read(suffix, definition) >= Read("context_length", Table["context_length"]);

    private GgufException Missing(string suffix, Definition definition)
    {
        string prefix = Architecture.Name + ".";
        string[] own = [.. file.Metadata.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal))];
        string[] others = [.. file.Metadata.Keys.Where(k => !k.StartsWith(prefix, StringComparison.Ordinal))];
        return new($"{file.Path}: architecture '{Architecture.Name}': {Of(suffix, definition)} is missing; expected {definition.Expected}. "
            + $"Keys there under '{prefix}': {GgufText.List(own)}. Other keys: {GgufText.List(others, 24)}. "
            + "The file is no complete model, or its converter used other names; convert the model again.");
    }

    private string Of(string suffix, Definition definition) => $"the key '{Key(suffix)}' ({definition.Meaning})";

    private static string Show(double value) => value.ToString("G7", CultureInfo.InvariantCulture);

    private sealed record Definition(string Meaning, double Minimum, double Maximum, bool Whole = true)
    {
        public string Expected => Minimum == Maximum ? $"{Show(Minimum)}"
            : $"{(Whole ? "an integer" : "a number")} from {Show(Minimum)} to {Show(Maximum)}";
    }
}
