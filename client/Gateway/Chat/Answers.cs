using Microsoft.Extensions.Options;
using Orleans.Runtime.Placement;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Models;

namespace SmolCluster.Gateway.Chat;

/// <summary>Begins answers, and goes on with those that clients come back for.</summary>
internal sealed class Answers(IGrainFactory grains, ModelDirectory models, IOptions<GatewayOptions> options, TimeProvider time,
    IHostApplicationLifetime lifetime, ILogger<Answers> logger)
{
    /// <summary>Conversations are placed where there is room, whatever models are there. If the silo they come to cannot answer but
    /// another can, a second one is placed there; asking first would cost every request what hardly any needs.</summary>
    public async Task<RunningAnswer> StartAsync(ChatRequest request, CancellationToken cancellation)
    {
        try
        {
            return await BeginAsync(request, cancellation);
        }
        catch (ChatException exception) when (exception.Error is ChatError.ModelNotFound or ChatError.ModelLoading or ChatError.ModelFailed)
        {
            var silos = await models.WhereReady(request.Model);
            if (silos.Count == 0)
                throw;
            // flows into the calls made from here on, and leaves with this method
            RequestContext.Set(IPlacementDirector.PlacementHintKey, silos[Random.Shared.Next(silos.Count)]);
            return await BeginAsync(request, cancellation);
        }
    }

    /// <param name="after">The last event that the client has; 0: none.</param>
    /// <exception cref="ChatException">AnswerNotFound.</exception>
    public async Task<RunningAnswer> ResumeAsync(string id, long after, CancellationToken cancellation)
    {
        var known = AnswerId.Is(id) ? await Conversation(id).Read() : null;
        var request = known?.Request
            ?? throw new ChatException(ChatError.AnswerNotFound, $"There is no answer '{id}': it was never asked for as a stream, or it was delivered and is forgotten.");
        return await RunningAnswer.StartAsync(id, request, Stream(id, null, new(after), cancellation));
    }

    /// <summary>The client has all of it: nothing of it is kept any longer.</summary>
    public void Forget(string id) => Conversation(id).Forget().Ignore();

    private Task<RunningAnswer> BeginAsync(ChatRequest request, CancellationToken cancellation)
    {
        string id = AnswerId.New();
        return RunningAnswer.StartAsync(id, request, Stream(id, request, new(0), cancellation));
    }

    private AnswerStream Stream(string id, ChatRequest? request, AnswerCursor from, CancellationToken cancellation) =>
        new(Conversation(id), Weighted(request), from, new(options.Value.ResumeLimit, time, lifetime.ApplicationStopping), logger, cancellation);

    private ChatRequest? Weighted(ChatRequest? request) => request is null ? null
        : request with { Weight = options.Value.Weights.GetValueOrDefault(request.User[(request.User.IndexOf(':') + 1)..], 1) };

    private IConversationGrain Conversation(string id) => grains.GetGrain<IConversationGrain>(id);
}
