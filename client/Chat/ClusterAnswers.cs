using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Orleans.Runtime.Placement;
using SmolCluster.Contracts;

namespace SmolCluster.Chat;

/// <summary>Answers of a cluster: conversations that end with their answer, where the model is.</summary>
internal sealed class ClusterAnswers(IGrainFactory cluster, ILogger logger)
{
    /// <summary>How long a broken answer is worth trying elsewhere.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    public async IAsyncEnumerable<GenerationEvent> Run(ChatRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var (events, first) = await Begin(request, cancellation);
        await using (events)
            for (var happened = first; happened is not null; happened = await events.NextAsync())
                yield return happened;
    }

    /// <summary>Conversations are placed where there is room, whatever models are there. If the silo cannot answer but another can, it is
    /// asked once more, there; asking first would cost every request what hardly any needs.</summary>
    private async Task<(AnswerStream Events, GenerationEvent? First)> Begin(ChatRequest request, CancellationToken cancellation)
    {
        PlacementWish.Set(request.Model, prefix: null);
        try
        {
            return await BeginAnywhere(request, cancellation);
        }
        catch (ChatException refusal) when (refusal.Error is ChatError.ModelNotFound or ChatError.ModelLoading or ChatError.ModelFailed)
        {
            var silos = await cluster.GetGrain<IModelsGrain>(0).WhereReady(request.Model);
            if (silos.Count == 0) throw;
            RequestContext.Set(IPlacementDirector.PlacementHintKey, silos[Random.Shared.Next(silos.Count)]);
            return await BeginAnywhere(request, cancellation);
        }
    }

    private async Task<(AnswerStream Events, GenerationEvent? First)> BeginAnywhere(ChatRequest request, CancellationToken cancellation)
    {
        var conversation = cluster.GetGrain<IConversationGrain>(AnswerId.New());
        var events = new AnswerStream(conversation, request, new AnswerCursor(0), new AnswerAttempts(), new(s_patience, TimeProvider.System, CancellationToken.None), logger, cancellation);
        try
        {
            return (events, await events.NextAsync());
        }
        catch
        {
            await events.DisposeAsync();
            throw;
        }
    }
}
