using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using SmolCluster.Contracts;

namespace SmolCluster.Chat;

/// <summary>Answers of a cluster: conversations that end with their answer, where the model is.</summary>
internal sealed class ClusterAnswers(IGrainFactory cluster, ILogger logger)
{
    /// <summary>How long a broken answer is worth trying elsewhere.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    public async IAsyncEnumerable<GenerationEvent> Run(ChatRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var (events, first) = await ModelCalls.WhereReady(cluster, request.Model, () => Begin(request, cancellation));
        await using (events)
            for (var happened = first; happened is not null; happened = await events.NextAsync())
                yield return happened;
    }

    private async Task<(AnswerStream Events, GenerationEvent? First)> Begin(ChatRequest request, CancellationToken cancellation)
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
