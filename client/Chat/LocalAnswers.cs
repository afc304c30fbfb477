using System.Runtime.CompilerServices;
using SmolCluster.Answering;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Chat;

/// <summary>Answers of a model of this process, as the events that a conversation of a cluster would give.</summary>
internal sealed class LocalAnswers(IChatModel model)
{
    public async IAsyncEnumerable<GenerationEvent> Run(ChatRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (request.Model != model.Card.Id)
            throw new ChatException(ChatError.ModelNotFound, $"There is no model '{request.Model}' here; this client has '{model.Card.Id}'.");
        var plan = await AnswerPlan.For(request, model, cancellation);
        using var answer = new Answer(model, plan, []);
        int prompt = plan.Generation.PromptLength;
        long number = 1;
        yield return new AnswerStarted(number, model.Card.Id, prompt, model.Card.ContextLength, "", plan.Reading.MaxTokens, model.Card.Identity, plan.DroppedTokens);
        int cached = await answer.CachedTokens.WaitAsync(cancellation);
        yield return new PrefillStarted(++number, cached);
        var events = new AnswerEvents(AnswerId.New(), model);
        while (await answer.Next(cancellation) is { } piece)
            yield return events.Delta(++number, piece);
        yield return new AnswerFinished(++number, answer.FinishReason!, prompt, answer.Tokens.Count, cached, answer.ReasoningTokens, answer.StopSequence, plan.DroppedTokens);
    }
}
