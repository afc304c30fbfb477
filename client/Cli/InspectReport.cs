using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;

namespace SmolCluster.Cli;

/// <summary>Everything <c>smol inspect</c> says, once for the tables and once as JSON. A file this engine cannot serve (a
/// vocabulary alone, an unknown architecture) is described as far as it goes, and <see cref="Problem"/> says why.</summary>
/// <param name="Version">Of the GGUF format.</param>
/// <param name="Parameters">Weights in all tensors.</param>
/// <param name="Problem">Why it cannot be served, or null.</param>
/// <param name="Mapping">Which key was taken for what; empty for an unknown architecture.</param>
internal sealed record InspectReport(
    string File,
    uint Version,
    long Bytes,
    string? Architecture,
    string? Name,
    long Parameters,
    string? Problem,
    IReadOnlyList<Hyperparameter> Mapping,
    IReadOnlyList<TypeShare> TensorTypes,
    IReadOnlyList<MemoryNeed> Memory,
    TokenizerFacts? Tokenizer,
    IReadOnlyDictionary<string, object> Metadata,
    IReadOnlyList<GgufTensor> Tensors)
{
    private static readonly int[] s_contexts = [1024, 4096, 16_384, 32_768, 65_536, 131_072];

    /// <summary>What reading all of it found; null: it was not asked for.</summary>
    public IReadOnlyList<CheckResult>? Checks { get; init; }

    /// <param name="context">A context length to show the memory of; null: the usual ones.</param>
    public static InspectReport Of(GgufFile file, int? context = null)
    {
        (ModelConfig? config, string? problem) = Try(() => ModelConfig.From(file));
        (IReadOnlyList<Hyperparameter>? mapping, _) = Try(() => ModelConfig.Mapping(file));
        return new InspectReport(
            file.Path,
            file.Version,
            file.Length,
            Text(file, "general.architecture"),
            Text(file, "general.name"),
            file.Tensors.Sum(static tensor => tensor.Columns * tensor.Rows),
            problem,
            mapping ?? [],
            TypeShare.Of(file.Tensors),
            config is null ? [] : MemoryNeeds(config, file.Length, context),
            TokenizerFacts.Of(file),
            file.Metadata.Keys.ToDictionary(static key => key, key => Shown(file, key)),
            file.Tensors);
    }

    /// <summary>Null where the key is absent or no text.</summary>
    public static string? Text(GgufFile file, string key) => file.Metadata.TryGetValue(key, out object? value) ? value as string : null;

    private static (T? Value, string? Problem) Try<T>(Func<T> read) where T : class
    {
        try
        {
            return (read(), null);
        }
        catch (GgufException e)
        {
            return (null, e.Message);
        }
    }

    private static List<MemoryNeed> MemoryNeeds(ModelConfig config, long fileBytes, int? own) =>
    [
        .. s_contexts.Where(context => context < config.ContextLength).Append(config.ContextLength).Concat(own is { } asked ? [asked] : []).Distinct().Order().Select(context => new MemoryNeed(
            context,
            context * config.KvBytesPerToken(KvType.Q8_0),
            context * config.KvBytesPerToken(KvType.F16),
            context * config.KvBytesPerToken(KvType.F32),
            fileBytes + context * config.KvBytesPerToken(KvType.F16))),
    ];

    /// <summary>Arrays by type and length: a vocabulary of 128,256 tokens helps nobody on a screen.</summary>
    private static object Shown(GgufFile file, string key)
    {
        file.Metadata.TryGetValue(key, out object? value);
        return value is Array array ? new ArrayShape(array.GetType().GetElementType()!.Name.ToLowerInvariant(), array.Length) : value!;
    }
}

internal sealed record ArrayShape(string ElementType, int Count);

internal sealed record TypeShare(string Type, int Count, long Weights, long Bytes)
{
    public static IReadOnlyList<TypeShare> Of(IReadOnlyList<GgufTensor> tensors) =>
    [
        .. tensors.GroupBy(static tensor => tensor.Type)
            .Select(static group => new TypeShare(group.Key.ToString(), group.Count(),
                group.Sum(static tensor => tensor.Columns * tensor.Rows), group.Sum(static tensor => tensor.ByteLength)))
            .OrderByDescending(static share => share.Bytes),
    ];
}

/// <param name="Context">Tokens of one sequence.</param>
/// <param name="TotalBytesF16">The file, which is mapped, and the F16 cache.</param>
internal sealed record MemoryNeed(int Context, long KvBytesQ8_0, long KvBytesF16, long KvBytesF32, long TotalBytesF16);

/// <param name="Model">tokenizer.ggml.model.</param>
/// <param name="PreTokenizer">tokenizer.ggml.pre.</param>
/// <param name="SpecialTokens">Role (bos, eos, …) to id.</param>
/// <param name="TemplateLength">Characters of the chat template; null: it has none.</param>
internal sealed record TokenizerFacts(string? Model, string? PreTokenizer, int Tokens, int Merges, IReadOnlyDictionary<string, long> SpecialTokens, int? TemplateLength)
{
    private const string Prefix = "tokenizer.ggml.";
    private const string IdSuffix = "_token_id";

    public static TokenizerFacts? Of(GgufFile file)
    {
        if (!file.Metadata.TryGetValue(Prefix + "tokens", out object? tokens) || tokens is not Array vocabulary)
            return null;
        return new TokenizerFacts(
            InspectReport.Text(file, Prefix + "model"),
            InspectReport.Text(file, Prefix + "pre"),
            vocabulary.Length,
            file.Metadata.TryGetValue(Prefix + "merges", out object? merges) && merges is Array list ? list.Length : 0,
            file.Metadata.Keys.Where(static key => key.StartsWith(Prefix, StringComparison.Ordinal) && key.EndsWith(IdSuffix, StringComparison.Ordinal))
                .ToDictionary(static key => key[Prefix.Length..^IdSuffix.Length], key => file.Metadata.Integer(key)),
            InspectReport.Text(file, "tokenizer.chat_template")?.Length);
    }
}
