using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Pipeline;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Grains.Stages;

/// <summary>
/// Brings models that are larger than a silo allows to life, and back to life. Once a second each silo looks: if nobody answers with the
/// model, silos tell each other what they allow, all make the same plan of it (<see cref="StagePlanner"/>), and the one that the plan
/// gives the first layers opens the others' stages and answers with the whole. When a stage is lost, the model is given up with all
/// that it had computed, running answers break off, their readers ask for the rest as after any failure, and the layers are shared
/// out anew over the silos there are then: the same bits. Until there are enough, the model says what is missing.
/// </summary>
internal sealed class StageKeeper(ModelHost models, StageRoom room, StageClient client, ISiloStatusOracle silos, ILocalSiloDetails here, TimeProvider time,
    ILogger<StageKeeper> logger) : BackgroundService
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(1);

    /// <summary>After a plan that came to nothing: a file that cannot be used is not read again every second.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<HostedModel, StageLink[]> _hosted = [];
    private readonly Dictionary<HostedModel, long> _failed = [];

    public override Task StopAsync(CancellationToken cancellationToken)
    {
        foreach (var link in _hosted.Values.SelectMany(links => links).ToArray()) link.Leave();
        return base.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_period, time);
        do
        {
            room.CloseOrphans();
            foreach (var model in models.AllLarger)
                if (!models.IsLeaving) await Tend(model);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task Tend(HostedModel model)
    {
        try
        {
            SiloAddress[] members = [.. silos.GetApproximateSiloStatuses(onlyActive: true).Keys];
            if (!members.Contains(here.SiloAddress)) return;
            if (_hosted.TryGetValue(model, out var links))
            {
                if (Lost(links, members) is not { } lost) return;
                logger.LogWarning("Model {Model}: {Problem}; its layers are shared out anew", model.Status.Id, lost);
                await GiveUp(model, links, lost);
            }
            if (!_failed.TryGetValue(model, out long since) || time.GetElapsedTime(since) > s_pause) await Share(model, members);
        }
        catch (Exception problem)
        {
            // whatever it was, the node stays up to report it, and tries again
            _failed[model] = time.GetTimestamp();
            logger.LogWarning("Model {Model} is not loaded: {Problem}", model.Status.Id, problem.Message);
            model.Withdraw("loading", problem.Message);
        }
    }

    private static string? Lost(StageLink[] links, SiloAddress[] members) => links
        .Select(link => link.Problem is { } problem ? $"silo {link.Silo} lost {link.Order.Range} ({problem})" : members.Contains(link.Silo) ? null : $"silo {link.Silo} with {link.Order.Range} is gone")
        .FirstOrDefault(lost => lost is not null);

    private async Task GiveUp(HostedModel model, StageLink[] links, string why)
    {
        _hosted.Remove(model, out _);
        foreach (var link in links) link.Leave();
        await LongWork.Run(() => { model.Withdraw("loading", why); return true; });
        await Close(links);
        room.SetHosts(model.Status.Id, false);
    }

    private async Task Share(HostedModel model, SiloAddress[] members)
    {
        var offers = await Offers(model, members);
        if (!offers.TryGetValue(Name(here.SiloAddress), out var own) || own.Serves) return;
        if (offers.Values.Any(offer => offer.Hosts))
        {
            model.Withdraw("stage", null); // others have all of it, and this one is there for when they do not
            return;
        }
        var plan = StagePlanner.Plan(model.Outline!, offers.Where(offer => !offer.Value.Serves).Select(offer => new StageNode(offer.Key, offer.Value.BudgetMiB)));
        if (plan.Missing is { } missing) model.Withdraw("loading", missing);
        else if (plan.Stages[0].Node.Name == Name(here.SiloAddress)) await Host(model, plan, offers, members);
    }

    /// <summary>What silos with the same model offer, by name.</summary>
    private async Task<Dictionary<string, StageOffer>> Offers(HostedModel model, SiloAddress[] members)
    {
        var offers = await Task.WhenAll(members.Select(async silo => (Name: Name(silo), Offer: silo.Equals(here.SiloAddress) ? room.Offer(model.Status.Id) : await Ask(silo, model.Status.Id))));
        return offers.Where(one => one.Offer?.ContentHash == model.Outline!.ContentHash).ToDictionary(one => one.Name, one => one.Offer!, StringComparer.Ordinal);
    }

    private async Task<StageOffer?> Ask(SiloAddress silo, string model)
    {
        try
        {
            return await client.Offer(silo, model).WaitAsync(s_period, time);
        }
        catch (Exception problem) when (problem is TimeoutException or OrleansException)
        {
            return null; // it is asked again in a second
        }
    }

    private async Task Host(HostedModel model, StagePlan plan, Dictionary<string, StageOffer> offers, SiloAddress[] members)
    {
        var (id, source, outline) = (model.Status.Id, model.Stages!, model.Outline!);
        int pages = plan.Stages.Min(stage => KvPagePool.PagesOf(offers[stage.Node.Name].KvBytes, outline.PageBytes(stage.Range, source.Engine.KvType)));
        var number = Guid.NewGuid();
        StageLink[] links = [.. plan.Stages.Skip(1).Select(stage => new StageLink(client, members.First(silo => Name(silo) == stage.Node.Name), new StageOrder(id, number,
            here.SiloAddress, outline.ContentHash, stage.Range.First, stage.Range.Count, $"{source.Engine.KvType}", pages, source.Engine.StepTokens, $"{source.Activations}")))];
        room.SetHosts(id, true);
        try
        {
            foreach (var link in links) await link.Open();
            var pipeline = new PipelineOptions(plan.Stages[0].Range, pages, source.Activations, links);
            var loaded = await LongWork.Run(() => GgufChatModel.Load(source.Path, source.Engine with { Pipeline = pipeline }, model));
            _hosted[model] = links;
            model.Present(loaded);
            logger.LogInformation("Model {Model} is shared out: {Layers} here{Others}", id, pipeline.Own, string.Concat(links.Select(link => $", {link.Order.Range} on {link.Silo}")));
        }
        catch
        {
            await Close(links);
            room.SetHosts(id, false);
            throw;
        }
    }

    /// <summary>As far as they can be reached: one that cannot ends when this silo does, or with the next plan.</summary>
    private async Task Close(StageLink[] links)
    {
        try
        {
            await Task.WhenAll(links.Select(link => link.Close())).WaitAsync(s_period, time);
        }
        catch (Exception problem) // whatever it was, this silo gives the model up
        {
            logger.LogWarning("A stage could not be closed: {Problem}", problem.Message);
        }
    }

    private static string Name(SiloAddress silo) => silo.ToParsableString();
}
