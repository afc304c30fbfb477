using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Runtime.Placement;
using Orleans.Storage;
using SmolCluster.Answering;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains.HandingOver;
using SmolCluster.Grains.Placement;

namespace SmolCluster.Grains;

/// <summary>A conversation as an actor: it plans the answer, holds the lease on the model's cache while the answer runs, and
/// keeps its record. Streaming methods interleave even on a grain that is not reentrant, so the conversation itself guards that
/// one answer runs at a time.
/// <para>The record is written before the first event leaves, now and then while the answer runs, and before the last event
/// leaves. An answer goes on from the tokens that are known of it, from the record or from the reader, here or on another silo;
/// what was generated after the last write is generated again, identically.</para>
/// <para>One that is silent for some minutes leaves the memory; what it was is in storage, and its next turn computes its prompt
/// again, or finds it in the prefix cache.</para>
/// <para>Completion tokens count every sampled token, the ending token included: that is what was computed.</para></summary>
[PlaceByLoad, CollectionAgeLimit(Minutes = 5)]
internal sealed class ConversationGrain : Grain, IConversationGrain, IIncomingGrainCallFilter, IDisposable
{
    private readonly ModelHost _models;
    private readonly ILocalSiloDetails _silo;
    private readonly TimeProvider _time;
    private readonly HandOver _handOver;
    private readonly ClusterLoad _load;
    private readonly ILogger _logger;
    private readonly ConversationRecord _record;

    /// <summary>The answer that runs; null while none does.</summary>
    private AnswerRun? _running;

    /// <summary>It moves to another silo: ending its activation meanwhile would leave it to be made here again.</summary>
    private bool _moves;

    public ConversationGrain(ModelHost models, HandOver handOver, ClusterLoad load, ILocalSiloDetails silo, TimeProvider time, IServiceProvider services,
        ILogger<ConversationGrain> logger)
    {
        (_models, _handOver, _load, _silo, _time, _logger) = (models, handOver, load, silo, time, logger);
        var storage = services.GetRequiredKeyedService<IGrainStorage>(IsAnswer ? GrainsHosting.AnswerStorage : GrainsHosting.ConversationStorage);
        _record = new ConversationRecord(storage, this.GetGrainId(), time, logger);
    }

    private bool IsAnswer => AnswerId.Is(this.GetPrimaryKeyString());

    // an iterator of its own (a channel's ReadAllAsync would not see the caller leave); disposing it runs its ends
    public async IAsyncEnumerable<GenerationEvent> Ask(ChatRequest request, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        if (_running is not null)
            throw new ChatException(ChatError.Busy, "This conversation is answering already. Wait for the answer's end, or cancel it.");
        await foreach (var happened in Run(run => Begin(request, run, cancellation), null, cancellation)) yield return happened;
    }

    public async IAsyncEnumerable<GenerationEvent> GoOn(ChatRequest? request, AnswerCursor known, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        if (_running is { } running && running.IsLaterThan(known)) throw AnswerRun.TakenOver();
        _running?.TakeOver();
        await foreach (var happened in Run(run => BeginAgain(request, known, run, cancellation), known, cancellation)) yield return happened;
    }

    public async Task<ConversationSnapshot?> Read()
    {
        await _record.Load(CancellationToken.None);
        return _record.Known is { Request: { } request } known
            ? new ConversationSnapshot(request, known.Identity, known.Text, known.Tokens, known.FinishReason) { Reasoning = known.Reasoning, ToolCalls = known.ToolCalls, Running = _running is not null }
            : null;
    }

    public Task StopAnswer()
    {
        _running?.Stop();
        _running = null;
        return Task.CompletedTask;
    }

    public async Task Cancel()
    {
        await StopAnswer();
        await _record.Load(CancellationToken.None);
        // a new epoch: whoever still writes the answer has lost its turn
        if (_record.Known is { FinishReason: null } known)
            await _record.Begin(known with { FinishReason = ConversationSnapshot.Cancelled }, CancellationToken.None);
    }

    public async Task Forget()
    {
        await StopAnswer();
        await _record.Load(CancellationToken.None);
        await _record.Clear(CancellationToken.None);
        DeactivateOnIdle();
    }

    /// <summary>After every call but the steps of an answer, which the caller's goodbye follows: an activation that neither
    /// answers nor has a record ends. Every plain request is such a one, so keeping them would fill the memory.</summary>
    public Task Invoke(IIncomingGrainCallContext context) =>
        context.InterfaceMethod.Name is nameof(IAsyncEnumerableGrainExtension.StartEnumeration) or nameof(IAsyncEnumerableGrainExtension.MoveNext)
            ? context.Invoke()
            : InvokeLast(context);

    private async Task InvokeLast(IIncomingGrainCallContext context)
    {
        await context.Invoke();
        if (!_moves && _running is null && _record.Known is null) DeactivateOnIdle();
    }

    /// <summary>The activation ends: the model's cache is freed even if the caller's end of the stream is never heard of again.</summary>
    public void Dispose()
    {
        _running?.Stop();
        _running = null;
        _record.Dispose();
    }

    private async IAsyncEnumerable<GenerationEvent> Run(Func<AnswerRun, IAsyncEnumerable<GenerationEvent>> answer, AnswerCursor? attempt,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var span = new AnswerSpan(attempt, this.GetPrimaryKeyString(), _silo.Name);
        using var run = new AnswerRun(_time, attempt, span, cancellation);
        _running = run;
        bool finished = false;
        try
        {
            await foreach (var happened in run.Alive(answer(run), cancellation))
            {
                finished = happened is AnswerFinished;
                if (happened is AnswerFinished end) span.Finished(end);
                yield return happened;
            }
        }
        finally
        {
            if (ReferenceEquals(_running, run)) _running = null;
            // the caller's goodbye ends the activation of a finished answer; one that was left may not hear it any more
            if (!finished && !_moves && _running is null && (IsAnswer || _record.Known is null)) DeactivateOnIdle();
        }
    }

    private async IAsyncEnumerable<GenerationEvent> Begin(ChatRequest request, AnswerRun run, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (request.Keep == Keep.Nothing || IsAnswer) _record.AssumeNew();
        await _record.Load(cancellation);
        await foreach (var happened in Answer(AnswerStart.New(request), run, cancellation)) yield return happened;
    }

    private async IAsyncEnumerable<GenerationEvent> BeginAgain(ChatRequest? request, AnswerCursor known, AnswerRun run,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (request is not { Keep: Keep.Nothing }) await _record.Load(cancellation);
        if (_record.Known?.FinishReason == ConversationSnapshot.Cancelled)
            throw new ChatException(ChatError.AnswerNotFound, "This answer was cancelled: nobody goes on with it.");
        await foreach (var happened in Answer(AnswerStart.Again(request, known, _record.Known), run, cancellation)) yield return happened;
    }

    private async IAsyncEnumerable<GenerationEvent> Answer(AnswerStart start, AnswerRun run, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var model = Open(start.Request.Model);
        var plan = await run.Span.Plan(start, model, run.Stopped);
        var state = start.On(model.Card, plan);
        using var answer = new Answer(model, plan, start.Tokens);
        using var freed = run.Stopped.Register(answer.Dispose);
        run.Ahead = () => answer.Ahead;
        using var movable = _handOver.Register(GrainContext, model, answer.AllTokens);
        var log = new AnswerLog(_record, state, start.Request.Keep != Keep.Nothing, _time);
        _models.CountAnswers(model.Card.Id, 1);
        try
        {
            await log.Begin(cancellation);
            var started = new AnswerStarted(1, model.Card.Id, plan.Generation.PromptLength, model.Card.ContextLength, _silo.Name, plan.Reading.MaxTokens, model.Card.Identity, plan.DroppedTokens);
            await foreach (var happened in Events(start, started, answer, new AnswerEvents(this.GetPrimaryKeyString(), model), log, cancellation))
                if (start.IsNew(happened)) yield return happened;
        }
        finally
        {
            _models.CountAnswers(model.Card.Id, -1);
            _logger.LogDebug("{Model} answered {PromptTokens} tokens with {CompletionTokens}: {Reason}",
                model.Card.Id, plan.Generation.PromptLength, answer.Tokens.Count, answer.FinishReason ?? "abandoned");
        }
    }

    /// <summary>Where the model cannot answer and another silo's can, the conversation goes there for its next call: those who call would
    /// otherwise find it here again.</summary>
    private IChatModel Open(string model)
    {
        try
        {
            return _models.Get(model);
        }
        catch (ChatException)
        {
            var others = _load.Known.Where(silo => !silo.Equals(_silo.SiloAddress));
            if (_load.Choose(others, model) is { } better)
            {
                _moves = true;
                GrainContext.Migrate(new() { [IPlacementDirector.PlacementHintKey] = better });
            }
            throw;
        }
    }

    /// <summary>All of the answer's events from the first one, which is how their numbers come out the same everywhere.</summary>
    private static async IAsyncEnumerable<GenerationEvent> Events(AnswerStart start, AnswerStarted started, Answer answer, AnswerEvents events, AnswerLog log,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        yield return started;
        long number = started.Number;
        var cached = start.CachedTokens ?? await answer.CachedTokens.WaitAsync(cancellation);
        log.Prefilled(cached);
        yield return new PrefillStarted(++number, cached);
        while (await answer.Next(cancellation) is { } piece)
        {
            var delta = events.Delta(++number, piece);
            await log.Add(delta, answer.Tokens, cancellation);
            start.Check(delta, answer.Tokens.Count);
            yield return delta;
        }
        await log.Finish(answer.Tokens, answer.FinishReason!, cancellation);
        yield return new AnswerFinished(++number, answer.FinishReason!, started.PromptTokens, answer.Tokens.Count, cached, answer.ReasoningTokens, answer.StopSequence, started.DroppedTokens);
    }
}
