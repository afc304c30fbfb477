using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using SmolCluster.Contracts;

namespace SmolCluster.Grains;

/// <summary>A conversation as an actor: it plans the answer, holds the lease on the model's cache while the answer runs, and
/// keeps its events. Streaming methods interleave even on a grain that is not reentrant, so the conversation itself guards that
/// one answer runs at a time.
/// <para>A named conversation is written twice: the request when its answer begins, the whole answer before its last event
/// leaves. What lies between is in the activation only. An ephemeral request is never written, and an activation that neither
/// answers nor has a record ends after its call: every plain request is such a one, so keeping them would fill the memory.</para>
/// <para>Completion tokens count every sampled token, the ending token included: that is what was computed.</para></summary>
internal sealed class ConversationGrain(
    [PersistentState("conversation", ConversationGrain.Storage)] IPersistentState<ConversationState> state,
    ModelHost models,
    ILocalSiloDetails silo,
    ILogger<ConversationGrain> logger) : Grain, IConversationGrain, IIncomingGrainCallFilter, IDisposable
{
    public const string Storage = "conversations";

    /// <summary>Ends the answer that runs, from its planning on; null while none does.</summary>
    private CancellationTokenSource? _running;

    // an iterator of its own (a channel's ReadAllAsync would not see the caller leave); disposing it runs its ends
    public async IAsyncEnumerable<GenerationEvent> Ask(ChatRequest request, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        if (_running is not null)
            throw new ChatException(ChatError.Busy, "This conversation is answering already. Wait for the answer's end, or cancel it.");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _running = stop;
        bool finished = false;
        try
        {
            await foreach (var happened in Answer(request, stop.Token, cancellation))
            {
                finished = happened is AnswerFinished;
                yield return happened;
            }
        }
        finally
        {
            if (ReferenceEquals(_running, stop)) _running = null;
            // the caller's goodbye ends the activation of a finished answer; one that was left may not hear it any more
            if (request.Ephemeral && !finished) DeactivateOnIdle();
        }
    }

    public Task<ConversationSnapshot?> Read() => Task.FromResult(state.State is { Request: { } request } conversation
        ? new ConversationSnapshot(request, conversation.ContentHash, [.. conversation.Events], conversation.Finished)
        : null);

    public Task StopAnswer()
    {
        Dispose();
        return Task.CompletedTask;
    }

    /// <summary>After every call but the steps of an answer, which the caller's goodbye follows.</summary>
    public async Task Invoke(IIncomingGrainCallContext context)
    {
        await context.Invoke();
        bool step = context.InterfaceMethod.Name is nameof(IAsyncEnumerableGrainExtension.StartEnumeration) or nameof(IAsyncEnumerableGrainExtension.MoveNext);
        if (!step && _running is null && !state.RecordExists) DeactivateOnIdle();
    }

    /// <summary>The activation ends: the model's cache is freed even if the caller's end of the stream is never heard of again.</summary>
    public void Dispose()
    {
        _running?.Cancel();
        _running = null;
    }

    /// <param name="stop">Frees the model, even while nobody asks for the next event.</param>
    /// <param name="cancellation">The caller's own.</param>
    private async IAsyncEnumerable<GenerationEvent> Answer(ChatRequest request, CancellationToken stop,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        var model = models.Get(request.Model);
        var plan = await AnswerPlan.For(request, model, stop);
        var conversation = new ConversationState { Request = request, ContentHash = model.Card.ContentHash };
        using var answer = new Answer(model, plan, request.Stop, conversation.Tokens);
        using var freed = stop.Register(answer.Dispose);
        try
        {
            state.State = conversation;
            await Write(request, cancellation);
            yield return Keep(new AnswerStarted(conversation.NextNumber, model.Card.Id, plan.PromptLength, model.Card.ContextLength, silo.Name));
            while (await answer.NextText(cancellation) is { } text)
                yield return Keep(new TextDelta(conversation.NextNumber, text));
            var finished = Keep(new AnswerFinished(conversation.NextNumber, answer.FinishReason!, plan.PromptLength,
                conversation.Tokens.Count, await answer.CachedTokens.WaitAsync(cancellation)));
            await Write(request, cancellation);
            yield return finished;
        }
        finally
        {
            logger.LogDebug("{Model} answered {PromptTokens} tokens with {CompletionTokens}: {Reason}",
                model.Card.Id, plan.PromptLength, conversation.Tokens.Count, answer.FinishReason ?? "abandoned");
        }

        GenerationEvent Keep(GenerationEvent happened)
        {
            conversation.Events.Add(happened);
            return happened;
        }
    }

    private Task Write(ChatRequest request, CancellationToken cancellation) =>
        request.Ephemeral ? Task.CompletedTask : state.WriteStateAsync(cancellation);
}
