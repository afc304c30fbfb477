using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Orleans.Runtime.Placement;
using SmolCluster.Contracts;

namespace SmolCluster.Grains.Conversations;

/// <summary>See <see cref="ITranscriptGrain"/>. Two records hold a conversation: this grain's, with all turns, and that of the answer
/// that runs (<see cref="ConversationGrain"/>), which alone has an epoch and a fence, and which storage drops by itself when
/// nobody needs it any more. The turns are written when an answer has begun and when it has ended. If this grain ends in
/// between, the next activation finds a message without an end and goes on with its answer: from the answer's record, or, if
/// even that is gone, from its request alone, which gives the same text.</summary>
internal sealed class TranscriptGrain(
    [PersistentState("transcript", GrainsHosting.ConversationStorage)] IPersistentState<Transcript> stored,
    ModelHost models, TimeProvider time, ILogger<TranscriptGrain> logger) : Grain, ITranscriptGrain
{
    /// <summary>How long the end of an answer waits for storage to come back.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(40);

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);

    private KeptState<Transcript> _kept = null!;

    /// <summary>The answer that runs; null while none does.</summary>
    private TurnRun? _running;

    private string Id => this.GetPrimaryKeyString();

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _kept = new(stored, DeactivateOnIdle, time, logger);
        if (_kept.Known?.Messages.LastOrDefault(message => message.Answer is { FinishReason: null }) is { } unfinished)
            Resume(unfinished);
        await base.OnActivateAsync(cancellationToken);
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _running?.Leave();
        return base.OnDeactivateAsync(reason, cancellationToken);
    }

    public async Task Create(Transcript transcript)
    {
        if (_kept.Known is not null) throw new ChatException(ChatError.Busy, $"There is a conversation {Id} already.");
        // the list first: an entry without a conversation can be deleted by its owner, a conversation without an entry by nobody
        await ListOf(transcript.Owner).Put(TranscriptPlan.EntryOf(Id, transcript));
        await _kept.Write(_ => transcript);
    }

    public Task<Transcript> Read(string owner)
    {
        var transcript = Mine(owner);
        if (_running is { } running && transcript.Find(running.Message) is { } message) transcript = transcript.With(running.Shown(message));
        return Task.FromResult(TranscriptPlan.Readable(transcript));
    }

    public async Task<Transcript> Change(string owner, TranscriptChange change)
    {
        Mine(owner);
        var changed = await _kept.Write(before => before! with
        {
            Title = change.Title ?? before.Title,
            System = change.System switch { null => before.System, "" => null, var text => text },
            Head = change.Head is { } head ? before.LeafUnder(TranscriptPlan.Require(before, head).Id) : before.Head,
        });
        await ListOf(owner).Put(TranscriptPlan.EntryOf(Id, changed));
        return await Read(owner);
    }

    public async Task<int> Post(string owner, TranscriptPost post)
    {
        ThrowIfAnswering(Mine(owner));
        var now = time.GetUtcNow();
        var asked = TranscriptPlan.Asked(Mine(owner), post, AnswerId.New(), now);
        await Begin(asked, asked.Find(asked.Head)!, new AnswerCursor(0), owner);
        return asked.Head;
    }

    public async Task GoOn(string owner, int message, int? maxTokens)
    {
        var transcript = Mine(owner);
        ThrowIfAnswering(transcript);
        var continued = TranscriptPlan.Continued(transcript, message, maxTokens, AnswerId.New());
        var known = new AnswerCursor(0, continued.Answer!.Tokens, continued.Answer.CachedTokens, continued.Answer.Identity);
        await Begin(transcript.With(continued) with { Updated = time.GetUtcNow() }, continued, known, owner);
    }

    public async IAsyncEnumerable<GenerationEvent> Watch(string owner, int message, long after, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        if (TranscriptPlan.Require(Mine(owner), message) is not { Answer: { } answer } watched)
            throw new ChatException(ChatError.MessageNotFound, $"Message {message} is a person's and has no events.");
        if (_running is { } running && running.Message == message)
        {
            await foreach (var happened in running.Watch(after, cancellation)) yield return happened;
            yield break;
        }
        if (answer.FinishReason is null) throw new ChatException(ChatError.Interrupted, "This answer is about to go on. Watch it again.");
        foreach (var happened in TurnText.Events(watched).Where(happened => happened.Number > after || happened is AnswerFinished)) yield return happened;
    }

    public Task StopAnswer(string owner)
    {
        Mine(owner);
        _running?.Stop();
        return Task.CompletedTask;
    }

    public async Task<string> Fork(string owner, int message, string? title)
    {
        var forked = TranscriptPlan.Forked(Mine(owner), message, title, time.GetUtcNow());
        string id = ConversationId.New();
        await GrainFactory.GetGrain<ITranscriptGrain>(id).Create(forked);
        return id;
    }

    public async Task Delete(string owner)
    {
        // what is left of an interrupted deletion is an entry in the list, so that goes in any case
        await ListOf(owner).Remove(Id);
        if (_kept.Known?.Owner != owner) throw NotFound();
        _running?.Leave();
        _running = null;
        await _kept.Clear();
        DeactivateOnIdle();
    }

    /// <summary>Returns when the answer has begun and is kept.</summary>
    private async Task Begin(Transcript asked, TranscriptMessage message, AnswerCursor known, string owner)
    {
        bool begun = known.Identity is { Length: > 0 };
        var run = _running = Run(asked, message, known, begun, waits: false);
        try
        {
            try
            {
                await run.Start();
            }
            catch (ChatException refusal) when (!begun && refusal.Error is ChatError.ModelNotFound or ChatError.ModelLoading or ChatError.ModelFailed)
            {
                if (await ElsewhereFor(message.Answer!.Request.Model) is not { } silo) throw;
                // flows into the calls made from here on; the first try's id belongs to an activation on the wrong silo
                RequestContext.Set(IPlacementDirector.PlacementHintKey, silo);
                message = message with { Answer = message.Answer! with { Id = AnswerId.New() } };
                run = _running = Run(asked.With(message), message, known, begun, waits: false);
                await run.Start();
            }
            await _kept.Write(_ => asked.With(run.Shown(message)));
        }
        catch
        {
            _running = null;
            run.Leave();
            throw;
        }
        finally
        {
            RequestContext.Remove(IPlacementDirector.PlacementHintKey);
        }
        Finish(run, message, owner).Ignore();
    }

    private void Resume(TranscriptMessage message)
    {
        var transcript = _kept.Known!;
        var known = new AnswerCursor(0, message.Answer!.Tokens is { Count: > 0 } tokens ? tokens : null, null, message.Answer.Identity);
        _running = Run(transcript, message, known, begun: true, waits: true);
        Finish(_running, message, transcript.Owner).Ignore();
    }

    private TurnRun Run(Transcript transcript, TranscriptMessage message, AnswerCursor known, bool begun, bool waits)
    {
        var stop = new CancellationTokenSource();
        var request = TranscriptPlan.RequestOf(transcript, message);
        var feed = new AnswerFeed(GrainFactory.GetGrain<IConversationGrain>(message.Answer!.Id), request, known, begun, waits, time, logger, stop.Token);
        return new(feed, stop, time) { Message = message.Id };
    }

    /// <summary>Reads the answer to its end and writes it down, then tells the watchers of the end.</summary>
    private async Task Finish(TurnRun run, TranscriptMessage message, string owner)
    {
        DelayDeactivation(TimeSpan.FromHours(1));
        try
        {
            var (end, problem) = await run.Finish();
            // what breaks because this silo ends is no failure of the answer
            if (problem is not null && models.IsLeaving) run.Leave();
            if (run.Left) return;
            if (problem is not null) logger.LogWarning("An answer of {Conversation} failed: {Problem}", Id, problem);
            if (!await Kept(transcript => transcript.With(run.Shown(message, end, problem)) with { Updated = time.GetUtcNow() })) return;
            run.End(end);
            GrainFactory.GetGrain<IConversationGrain>(message.Answer!.Id).Forget().Ignore();
            ListOf(owner).Put(TranscriptPlan.EntryOf(Id, _kept.Known!)).Ignore();
        }
        finally
        {
            if (ReferenceEquals(_running, run)) _running = null;
            run.Dispose();
            DelayDeactivation(TimeSpan.Zero);
        }
    }

    /// <summary>Waits for a storage that is away; what it does not take in time is generated again by the next activation.</summary>
    private async Task<bool> Kept(Func<Transcript, Transcript> change)
    {
        for (long start = time.GetTimestamp(); ;)
        {
            try
            {
                await _kept.Write(before => change(before!));
                return true;
            }
            catch (ChatException problem) when (problem.Error == ChatError.StorageUnavailable && time.GetElapsedTime(start) < s_patience)
            {
                await Task.Delay(s_pause, time);
            }
            catch (ChatException)
            {
                DeactivateOnIdle();
                return false;
            }
        }
    }

    private async Task<SiloAddress?> ElsewhereFor(string model)
    {
        var silos = await GrainFactory.GetGrain<IModelsGrain>(0).WhereReady(model);
        return silos.Count == 0 ? null : silos[Random.Shared.Next(silos.Count)];
    }

    private IConversationListGrain ListOf(string owner) => GrainFactory.GetGrain<IConversationListGrain>(owner);

    private Transcript Mine(string owner) => _kept.Known is { } transcript && transcript.Owner == owner ? transcript : throw NotFound();

    private void ThrowIfAnswering(Transcript transcript)
    {
        if (_running is not null || transcript.Messages.Any(message => message.Answer is { FinishReason: null }))
            throw new ChatException(ChatError.Busy, "This conversation is answering already. Wait for the answer's end, or stop it.");
    }

    private ChatException NotFound()
    {
        if (_kept.Known is null) DeactivateOnIdle();
        return new(ChatError.ConversationNotFound, $"There is no conversation '{Id}' here.");
    }
}
