using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Pipeline;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Grains.Stages;

/// <summary>A model's file, where the silo allows only so much memory for its weights: if it is larger, silos share its layers out.</summary>
/// <param name="Engine">As for a whole model.</param>
/// <param name="BudgetMiB">Of its weights at most.</param>
/// <param name="Activations">How hidden states cross between silos, where this one has the first layers.</param>
public sealed record StagedSource(string Path, EngineOptions Engine, int BudgetMiB, ActivationType Activations)
{
    /// <summary>Memory for keys and values at most.</summary>
    public long KvBytes => Engine.CacheBytes ?? KvPagePool.MemoryBeside((long)BudgetMiB << 20);
}
