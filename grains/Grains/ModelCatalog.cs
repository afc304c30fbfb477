using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Pipeline;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains.Stages;

namespace SmolCluster.Grains;

/// <summary>A model that a node is asked to serve, before it is loaded.</summary>
/// <param name="Load">Called once, on a thread of its own; reports progress from 0 to 1.</param>
public sealed record ModelSource(string Id, ModelKind Kind, Func<IProgress<double>, CancellationToken, IChatModel> Load)
{
    /// <summary>What silos share its layers out by where it is larger than this one allows; null: it is loaded whole, whatever it takes.</summary>
    public StagedSource? Stages { get; init; }
}

/// <summary>From configuration to model sources. What can be told wrong before loading (a missing file, two models of one name)
/// stops the start with one message; what only the loader can tell becomes the model's state "failed".</summary>
public static class ModelCatalog
{
    public const string DemoPath = "demo";
    public const string DemoId = "smolcluster-demo";
    public const string StubPath = "stub";

    /// <summary>The stub at the pace of SmolLM3-3B, see <see cref="StepPace.SmolLM3"/>: to measure clusters with.</summary>
    public const string PacedPath = "stub:paced";

    private const string PacedId = "stub-paced";

    /// <summary>As <see cref="SmolClusterOptions.TwinFolder"/>: no twins.</summary>
    public const string TwinsOff = "off";

    /// <summary>Where the demo model's file lies in every build.</summary>
    public static string DemoFile { get; } = Path.Combine(AppContext.BaseDirectory, "models", "smolcluster-demo-Q8_0.gguf");

    public static IReadOnlyList<ModelSource> From(SmolClusterOptions options) =>
        [.. options.Models.SelectMany(model => Sources(model, options))];

    /// <summary>Of a model and of its adapters.</summary>
    public static IEnumerable<string> IdsOf(ModelOptions model) => model.Adapters.Select(adapter => adapter.Id).Prepend(IdOf(model));

    public static string IdOf(ModelOptions model) => model switch
    {
        { Id: { Length: > 0 } id } => id,
        { Path: StubPath } => StubPath,
        { Path: PacedPath } => PacedId,
        { Path: DemoPath } => DemoId,
        _ => HuggingFaceModel.NameOf(model.Path),
    };

    /// <summary>What can be told wrong before loading, or null.</summary>
    public static string? ProblemWith(ModelOptions model) => ProblemWithFile(model)
        ?? model.Adapters.Select(adapter => ProblemWith(adapter, model)).FirstOrDefault(problem => problem is not null);

    private static string? ProblemWithFile(ModelOptions model) => model.Path switch
    {
        "" => "A model has no Path: give a GGUF file, a Hugging Face folder, or \"demo\" or \"stub\".",
        _ when MisleadingId(model) is { } misleading => misleading,
        StubPath or PacedPath => null,
        DemoPath => File.Exists(DemoFile) ? null : $"The demo model is missing from this build: there is no file {DemoFile}.",
        var path when Directory.Exists(path) => HuggingFaceModel.Is(path) ? null : $"The folder '{path}' has no config.json: it is no model as Hugging Face has them. Name a GGUF file in it.",
        var path => File.Exists(path) ? null : $"There is no model file '{path}', seen from {Environment.CurrentDirectory}.",
    };

    /// <summary>Why a model cannot have the Id that it is given, or null: in clients that show nothing but names, the name alone
    /// tells that a stub or the demo answers.</summary>
    public static string? MisleadingId(ModelOptions model) =>
        model is { Path: StubPath or PacedPath or DemoPath, Id: { Length: > 0 } id } && model.Path.Split(':')[0] is var kind && !id.Contains(kind, StringComparison.OrdinalIgnoreCase)
            ? $"The {kind} cannot be called '{id}': its name must contain \"{kind}\", so that nobody takes it for a real model; "
                + $"for example '{id}-{kind}'."
            : null;

    private static IEnumerable<ModelSource> Sources(ModelOptions model, SmolClusterOptions options) => model.Path switch
    {
        StubPath => [new(IdOf(model), ModelKind.Stub, (_, _) => new StubChatModel(Stub(model, options), TimeProvider.System))],
        PacedPath => [new(IdOf(model), ModelKind.Stub, (_, _) => new PacedChatModel(Stub(model, options), StepPace.SmolLM3))],
        DemoPath => Gguf(DemoFile, model, ModelKind.Demo, options),
        _ => Gguf(Path.GetFullPath(model.Path), model, ModelKind.Real, options),
    };

    private static string? ProblemWith(AdapterOptions adapter, ModelOptions model) =>
        adapter.Id.Length == 0 ? $"An adapter of '{IdOf(model)}' has no Id: give the name that clients use."
        : model.Path is StubPath or PacedPath ? $"The adapter '{adapter.Id}' is for a stub, which has no weights."
        : !File.Exists(adapter.Path) ? $"There is no adapter file '{adapter.Path}', seen from {Environment.CurrentDirectory}."
        : MisleadingId(new() { Path = model.Path, Id = adapter.Id });

    private static StubOptions Stub(ModelOptions model, SmolClusterOptions options)
    {
        var stub = new StubOptions { Id = IdOf(model) };
        return options.ContextLength is { } length ? stub with { ContextLength = length } : stub;
    }

    private static string? Twins(SmolClusterOptions options) => options.TwinFolder == TwinsOff ? null : options.TwinFolder ?? CacheFolder.Twins;

    private static IEnumerable<ModelSource> Gguf(string path, ModelOptions model, ModelKind kind, SmolClusterOptions options)
    {
        string id = IdOf(model);
        var engine = new EngineOptions
        {
            ModelId = id,
            Kind = kind,
            ContextLength = options.ContextLength,
            Threads = options.Threads,
            PinThreads = options.PinThreads,
            Speculation = options.Speculation,
            TwinFolder = Twins(options),
        };
        if (options.KvMemoryMiB is { } size) engine = engine with { CacheBytes = (long)size << 20 };
        if (options.KvType is { } name) engine = engine with { KvType = Enum.Parse<KvType>(name, ignoreCase: true) };
        var shared = new SharedModel(progress => GgufChatModel.Load(path, engine, progress));
        var stages = options.WeightMemoryMiB is { } budget ? new StagedSource(path, engine, budget, Enum.Parse<ActivationType>(options.Activations, ignoreCase: true)) : null;
        return model.Adapters.Select(adapter => new ModelSource(adapter.Id, kind, (progress, _) => new AdaptedChatModel(shared.Load(progress), adapter.Id, adapter.Path, adapter.Scale)))
            .Prepend(new(id, kind, (progress, _) => shared.Load(progress)) { Stages = stages });
    }

    /// <summary>A model that its adapters need too: whoever comes first loads it. It is its own source's to dispose.</summary>
    private sealed class SharedModel(Func<IProgress<double>, GgufChatModel> load)
    {
        private readonly Lock _lock = new();
        private GgufChatModel? _model;

        public GgufChatModel Load(IProgress<double> progress)
        {
            lock (_lock) return _model ??= load(progress);
        }
    }
}
