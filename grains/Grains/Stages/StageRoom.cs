using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using SmolCluster.Engine.Pipeline;

namespace SmolCluster.Grains.Stages;

/// <summary>The layers that this silo computes for others: of each model that is larger than it allows one stage at most, of one plan, for
/// one silo. What a plan that is over still sends is refused. A stage ends when its host closes it or is no member any more.</summary>
internal sealed class StageRoom(ModelHost models, ISiloStatusOracle silos, ILogger<StageRoom> logger) : IDisposable
{
    /// <summary>A step's buffers are as large.</summary>
    private const int MostStepTokens = 8192;

    private sealed record Served(StageOrder Order, Task<ModelStage> Stage);

    private readonly Dictionary<string, Served> _served = new(StringComparer.Ordinal); // and the lock for it
    private readonly ConcurrentDictionary<string, bool> _hosted = new(StringComparer.Ordinal);

    /// <summary>Whether this silo has the model's first layers, and therefore no others.</summary>
    public void SetHosts(string model, bool hosts)
    {
        if (hosts) _hosted[model] = true;
        else _hosted.TryRemove(model, out _);
    }

    public StageOffer? Offer(string id)
    {
        CloseOrphans();
        if (models.IsLeaving || models.Larger(id) is not { } model) return null;
        lock (_served)
            return new(model.Outline!.ContentHash, model.Stages!.BudgetMiB, model.Stages.KvBytes, _hosted.ContainsKey(id), _served.ContainsKey(id));
    }

    public async Task Open(StageOrder order)
    {
        var model = models.Larger(order.Model) ?? throw new InvalidOperationException($"This silo has no model '{order.Model}' that it shares with others.");
        Served opening;
        lock (_served)
        {
            Require(order, model);
            _served.TryGetValue(order.Model, out var before);
            opening = _served[order.Model] = new(order, LongWork.Run(() => Start(before, order, model.Stages!)));
        }
        try
        {
            await opening.Stage;
        }
        catch (Exception problem) // whatever it was: one that did not open must not stand for one that is served
        {
            Forget(opening);
            model.Withdraw("loading", problem.Message);
            throw new InvalidOperationException(problem.Message, problem);
        }
        model.Withdraw("stage", null);
        logger.LogInformation("Model {Model}: {Layers} of it are computed here for silo {Host}", order.Model, order.Range, order.Host);
    }

    public async Task<byte[]> Run(StageWork work)
    {
        Served? served;
        lock (_served) _served.TryGetValue(work.Model, out served);
        if (served is null || served.Order.Plan != work.Plan)
            throw new InvalidOperationException($"A step of plan {work.Plan} of the model '{work.Model}' came to a silo that " +
                (served is null ? "has no layers of it" : $"has layers of plan {served.Order.Plan}") + ": its layers were shared out anew.");
        return await (await served.Stage).Run(work.ToStep());
    }

    public Task Close(string model, Guid plan)
    {
        Served? served;
        lock (_served) _served.TryGetValue(model, out served);
        return served?.Order.Plan == plan ? Close(served) : Task.CompletedTask;
    }

    /// <summary>Ends stages whose host is gone.</summary>
    public void CloseOrphans()
    {
        Served[] orphans;
        lock (_served) orphans = [.. _served.Values.Where(served => !IsMember(served.Order.Host))];
        foreach (var orphan in orphans) Close(orphan).Ignore();
    }

    public void Dispose()
    {
        Served[] all;
        lock (_served) all = [.. _served.Values];
        foreach (var served in all) Close(served).Ignore();
    }

    /// <exception cref="InvalidOperationException">The order is none that this silo takes.</exception>
    private void Require(StageOrder order, HostedModel model)
    {
        string? refusal = models.IsLeaving ? "it is leaving the cluster"
            : _hosted.ContainsKey(order.Model) ? "it has the first layers itself"
            : _served.TryGetValue(order.Model, out var other) && !other.Order.Host.Equals(order.Host) && IsMember(other.Order.Host) ? $"it has layers for {other.Order.Host}"
            : model.Outline!.ContentHash != order.ContentHash ? $"its file has content {model.Outline.ContentHash}, not {order.ContentHash}"
            : order is not { First: > 0, Count: > 0, Pages: > 0, StepTokens: > 0 and <= MostStepTokens } || (long)order.First + order.Count > model.Outline.LayerBytes.Count
                ? $"{order.Range} in steps of {order.StepTokens} tokens are none that it could have"
            : model.Outline.Bytes(order.Range) > (long)model.Stages!.BudgetMiB << 20 ? $"{order.Range} are more than its {model.Stages.BudgetMiB} MiB"
            : null;
        if (refusal is not null) throw new InvalidOperationException($"This silo takes no layers of '{order.Model}': {refusal}.");
    }

    private bool IsMember(SiloAddress silo) => silos.GetApproximateSiloStatus(silo) is SiloStatus.Active;

    /// <summary>The old stage's memory is free before the new one takes any.</summary>
    private static ModelStage Start(Served? before, StageOrder order, StagedSource source)
    {
        if (before is not null)
        {
            Task.WaitAny(before.Stage); // it may be opening still, for a plan that its host has given up
            if (before.Stage.IsCompletedSuccessfully) before.Stage.Result.Dispose();
        }
        return ModelStage.Open(source.Path, order.With(source.Engine.Threads ?? Environment.ProcessorCount, source.Engine.PinThreads));
    }

    private async Task Close(Served served)
    {
        if (!Forget(served)) return;
        models.Larger(served.Order.Model)?.Withdraw("loading", null);
        var stage = await served.Stage;
        await LongWork.Run(() => { stage.Dispose(); return true; });
        logger.LogInformation("Model {Model}: {Layers} of it are computed here no longer", served.Order.Model, served.Order.Range);
    }

    private bool Forget(Served served)
    {
        lock (_served) return _served.TryGetValue(served.Order.Model, out var now) && ReferenceEquals(now, served) && _served.Remove(served.Order.Model);
    }
}
