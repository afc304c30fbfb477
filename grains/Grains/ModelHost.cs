using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains.Placement;

namespace SmolCluster.Grains;

/// <summary>Owns the models of this silo: one singleton a process, which grains take from DI, because weights and caches belong
/// to the process and not to an activation. It is a hosted service so that loading begins with the process and does not wait for
/// the cluster, and it frees the models in Dispose, because a grain service stops before the grains that still use a model do.</summary>
public sealed class ModelHost : IHostedService, IDisposable
{
    private readonly IReadOnlyList<HostedModel> _models;

    /// <exception cref="ArgumentException">Two sources have the same id.</exception>
    public ModelHost(IEnumerable<ModelSource> sources, TimeProvider time, ILogger<ModelHost> logger)
    {
        var ordered = sources.OrderBy(source => source.Id, StringComparer.Ordinal).ToArray();
        var twice = ordered.GroupBy(source => source.Id, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1);
        if (twice is not null)
            throw new ArgumentException($"Two models of this node are called '{twice.Key}': give one of them another id.", nameof(sources));
        _models = [.. ordered.Select(source => new HostedModel(source, time, logger))];
    }

    /// <summary>In order of id.</summary>
    public IReadOnlyList<ModelStatus> Statuses => [.. _models.Select(model => model.Status)];

    /// <summary>Of the models that can answer now; a silo that leaves takes nothing more.</summary>
    public IReadOnlyList<ModelLoad> Loads => IsLeaving ? [] : [.. _models.Select(model => model.Load).OfType<ModelLoad>()];

    /// <summary>The silo was told to end.</summary>
    public bool IsLeaving { get; set; }

    /// <summary>All models at work, in order of id.</summary>
    public IReadOnlyList<ModelView> Views => [.. _models.Select(model => model.View)];

    /// <summary>Models that are larger than this silo allows.</summary>
    internal IEnumerable<HostedModel> AllLarger => _models.Where(model => model.Outline is not null);

    /// <summary>Completes when every model is ready or failed.</summary>
    public Task Settled => Task.WhenAll(_models.Select(model => model.Settled));

    /// <exception cref="ChatException">It is not here, loads still, or failed.</exception>
    public IChatModel Get(string id)
    {
        var model = _models.FirstOrDefault(model => model.Status.Id == id);
        return model?.Get() ?? throw new ChatException(ChatError.ModelNotFound,
            $"There is no model '{id}' on this silo. Its models: {string.Join(", ", _models.Select(other => other.Status.Id))}.");
    }

    /// <returns>Null: there is none of that name that is larger than this silo allows.</returns>
    internal HostedModel? Larger(string id) => AllLarger.FirstOrDefault(model => model.Status.Id == id);

    /// <summary>An answer of a model of this silo begins (1) or ends (-1).</summary>
    public void CountAnswers(string id, int change) => _models.FirstOrDefault(model => model.Status.Id == id)?.CountAnswers(change);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var model in _models) model.StartLoading();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        foreach (var model in _models) model.StopLoading();
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        foreach (var model in _models) model.Dispose();
    }
}
