using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Pipeline;

namespace SmolCluster.Engine.Tests.Pipeline;

/// <summary>A stage of this process.</summary>
internal sealed class LocalLink(ModelStage stage) : IStageLink
{
    public Task<byte[]> Run(StageStep work) => stage.Run(work);
}

/// <summary>A model's layers cut into stages, all in this process.</summary>
internal sealed class Stages : IDisposable
{
    public const int StepTokens = 128;

    /// <param name="counts">Layers of each stage, the first one's among them.</param>
    /// <param name="pages">Of each.</param>
    public Stages(string path, int[] counts, KvType kv, int pages, ActivationType activations = ActivationType.F32)
    {
        string hash = ModelOutline.Of(path).ContentHash;
        int first = counts[0];
        foreach (int count in counts[1..])
        {
            All.Add(ModelStage.Open(path, new StageOptions(hash, new LayerRange(first, count), kv, pages, StepTokens, activations, 2, false)));
            first += count;
        }

        Options = new(new LayerRange(0, counts[0]), pages, activations, [.. All.Select(static stage => new LocalLink(stage))]) { PartTokens = 3 };
    }

    public List<ModelStage> All { get; } = [];

    public PipelineOptions Options { get; }

    public void Dispose() => All.ForEach(static stage => stage.Dispose());
}

/// <summary>A forward pass over stages of this process.</summary>
internal sealed class StagedPass : IDisposable
{
    private readonly GgufFile _file;
    private readonly ThreadTeam _team = new(2);
    private readonly Transformer _own;
    private readonly Stages _stages;

    /// <param name="link">What to put in place of the way to each stage; null: nothing.</param>
    public StagedPass(string path, int[] counts, KvType kv, int pages, ActivationType activations = ActivationType.F32, Func<IStageLink, IStageLink>? link = null)
    {
        _file = GgufFile.Open(path);
        Config = ModelConfig.From(_file);
        _stages = new Stages(path, counts, kv, pages, activations);
        _own = new Transformer(_file, Config, _team, Stages.StepTokens, range: _stages.Options.Own);
        Pool = new KvPagePool(new KvLayout(Config, kv, counts[0]), pages);
        PipelineOptions options = _stages.Options;
        Pass = new PipelinedPass(_own, link is null ? options : options with { Links = [.. options.Links.Select(link)] }, Config.EmbeddingLength);
    }

    public ModelConfig Config { get; }

    public KvPagePool Pool { get; }

    public PipelinedPass Pass { get; }

    public void Dispose()
    {
        _stages.Dispose();
        Pool.Dispose();
        _own.Dispose();
        _team.Dispose();
        _file.Dispose();
    }
}
