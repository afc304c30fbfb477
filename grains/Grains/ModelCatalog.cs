using SmolCluster.Engine.Caching;
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
        [.. options.Models.Select(model => Source(model, options))];

    public static string IdOf(ModelOptions model) => model switch
    {
        { Id: { Length: > 0 } id } => id,
        { Path: StubPath } => StubPath,
        { Path: PacedPath } => PacedId,
        { Path: DemoPath } => DemoId,
        _ => Path.GetFileNameWithoutExtension(model.Path),
    };

    /// <summary>What can be told wrong before loading, or null.</summary>
    public static string? ProblemWith(ModelOptions model) => model.Path switch
    {
        "" => "A model has no Path: give a GGUF file, or \"demo\" or \"stub\".",
        _ when MisleadingId(model) is { } misleading => misleading,
        StubPath or PacedPath => null,
        DemoPath => File.Exists(DemoFile) ? null : $"The demo model is missing from this build: there is no file {DemoFile}.",
        var path => File.Exists(path) ? null : $"There is no model file '{path}', seen from {Environment.CurrentDirectory}.",
    };

    /// <summary>Why a model cannot have the Id that it is given, or null: in clients that show nothing but names, the name alone
    /// tells that a stub or the demo answers.</summary>
    public static string? MisleadingId(ModelOptions model) =>
        model is { Path: StubPath or PacedPath or DemoPath, Id: { Length: > 0 } id } && model.Path.Split(':')[0] is var kind && !id.Contains(kind, StringComparison.OrdinalIgnoreCase)
            ? $"The {kind} cannot be called '{id}': its name must contain \"{kind}\", so that nobody takes it for a real model; "
                + $"for example '{id}-{kind}'."
            : null;

    private static ModelSource Source(ModelOptions model, SmolClusterOptions options) => model.Path switch
    {
        StubPath => new(IdOf(model), ModelKind.Stub, (_, _) => new StubChatModel(Stub(model, options), TimeProvider.System)),
        PacedPath => new(IdOf(model), ModelKind.Stub, (_, _) => new PacedChatModel(Stub(model, options), StepPace.SmolLM3)),
        DemoPath => Gguf(DemoFile, IdOf(model), ModelKind.Demo, options),
        _ => Gguf(Path.GetFullPath(model.Path), IdOf(model), ModelKind.Real, options),
    };

    private static StubOptions Stub(ModelOptions model, SmolClusterOptions options)
    {
        var stub = new StubOptions { Id = IdOf(model) };
        return options.ContextLength is { } length ? stub with { ContextLength = length } : stub;
    }

    private static string? Twins(SmolClusterOptions options) => options.TwinFolder == TwinsOff ? null : options.TwinFolder ?? CacheFolder.Twins;

    private static ModelSource Gguf(string path, string id, ModelKind kind, SmolClusterOptions options)
    {
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
        return new(id, kind, (progress, _) => GgufChatModel.Load(path, engine, progress))
        {
            Stages = options.WeightMemoryMiB is { } budget ? new StagedSource(path, engine, budget, Enum.Parse<ActivationType>(options.Activations, ignoreCase: true)) : null,
        };
    }
}
