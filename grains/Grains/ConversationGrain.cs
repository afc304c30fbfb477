using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using SmolCluster.Contracts;

namespace SmolCluster.Grains;

/// <summary>A conversation as an actor: it plans the answer, holds the lease on the model's cache while the answer runs, and
/// logs every event before it leaves. Streaming methods interleave even on a grain that is not reentrant, so the conversation
/// itself guards that one answer runs at a time.
/// <para>Completion tokens count every sampled token, the ending token included: that is what was computed.</para></summary>
internal sealed class ConversationGrain(
    [PersistentState("conversation", ConversationGrain.Storage)] IPersistentState<ConversationState> state,
    ModelHost models,
    ILocalSiloDetails silo,
    ILogger<ConversationGrain> logger) : Grain, IConversationGrain, IDisposable
{
    public const string Storage = "conversations";

    private Answer? _answer;

    // an iterator of its own (a channel's ReadAllAsync would not see the caller leave); disposing it runs the using's end
    public async IAsyncEnumerable<GenerationEvent> Ask(ChatRequest request, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        if (_answer is not null)
            throw new ChatException(ChatError.Busy, "This conversation is answering already. Wait for the answer's end, or cancel it.");
        var model = models.Get(request.Model);
        var plan = AnswerPlan.For(request, model);
        var conversation = new ConversationState { Request = request, ContentHash = model.Card.ContentHash };
        using var answer = _answer = new Answer(model, plan, request.Stop, conversation.Tokens);
        try
        {
            state.State = conversation;
            await state.WriteStateAsync(cancellation);
            yield return Log(new AnswerStarted(conversation.NextNumber, model.Card.Id, plan.PromptLength, model.Card.ContextLength, silo.Name));
            while (await answer.NextText(cancellation) is { } text)
                yield return Log(new TextDelta(conversation.NextNumber, text));
            var finished = Log(new AnswerFinished(conversation.NextNumber, answer.FinishReason!, plan.PromptLength,
                conversation.Tokens.Count, await answer.CachedTokens.WaitAsync(cancellation)));
            await state.WriteStateAsync(cancellation);
            yield return finished;
        }
        finally
        {
            _answer = null;
            logger.LogDebug("{Model} answered {PromptTokens} tokens with {CompletionTokens}: {Reason}",
                model.Card.Id, plan.PromptLength, conversation.Tokens.Count, answer.FinishReason ?? "abandoned");
        }

        GenerationEvent Log(GenerationEvent happened)
        {
            conversation.Events.Add(happened);
            return happened;
        }
    }

    public Task<ConversationSnapshot?> Read() => Task.FromResult(state.State is { Request: { } request } conversation
        ? new ConversationSnapshot(request, conversation.ContentHash, [.. conversation.Events], conversation.Finished)
        : null);

    /// <summary>Forgets a conversation nobody came back to: every plain request is one, so keeping them in memory would fill it.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (reason.ReasonCode == DeactivationReasonCode.ActivationIdle && state.RecordExists)
            await state.ClearStateAsync(cancellationToken);
    }

    /// <summary>The activation ends: the model's cache is freed even if the caller's end of the stream is never heard of again.</summary>
    public void Dispose() => _answer?.Dispose();
}
