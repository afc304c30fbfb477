using Microsoft.Extensions.Options;
using Orleans.Runtime.Placement;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Models;
using SmolCluster.Gateway.Operations;

namespace SmolCluster.Gateway.Chat;

/// <summary>Begins answers, and goes on with those that clients come back for.</summary>
internal sealed class Answers(IGrainFactory grains, ModelDirectory models, IOptions<GatewayOptions> options, TimeProvider time,
    IHostApplicationLifetime lifetime, AnswerMeters meters, ILogger<Answers> logger)
{
    /// <summary>All choices of a call; the first is admitted before the next is asked for.</summary>
    public async Task<RunningChoices> StartAsync(ChatCall call, CancellationToken cancellation)
    {
        var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var started = new List<RunningAnswer>();
        try
        {
            for (int choice = 0; choice < call.Choices; choice++)
                started.Add(await StartAsync(call.Choice(choice), leaving.Token));
        }
        catch
        {
            await new RunningChoices(started, leaving).DisposeAsync();
            throw;
        }
        return new(started, leaving);
    }

    /// <summary>Conversations are placed where there is room, whatever models are there. If the silo they come to cannot answer but
    /// another can, a second one is placed there; asking first would cost every request what hardly any needs.</summary>
    /// <param name="id">The conversation's; null: one that ends with its answer.</param>
    public async Task<RunningAnswer> StartAsync(ChatRequest request, CancellationToken cancellation, string? id = null)
    {
        try
        {
            return await BeginAsync(id, request, cancellation);
        }
        catch (ChatException exception) when (exception.Error is ChatError.ModelNotFound or ChatError.ModelLoading or ChatError.ModelFailed)
        {
            var silos = await models.WhereReady(request.Model);
            if (silos.Count == 0)
                throw;
            // flows into the calls made from here on, and leaves with this method
            RequestContext.Set(IPlacementDirector.PlacementHintKey, silos[Random.Shared.Next(silos.Count)]);
            return await BeginAsync(id, request, cancellation);
        }
    }

    /// <param name="after">The last event that the client has; 0: none.</param>
    /// <exception cref="ChatException">AnswerNotFound.</exception>
    public async Task<RunningChoices> ResumeAsync(string id, long after, CancellationToken cancellation)
    {
        var known = AnswerId.Is(id) ? await Conversation(id).Read() : null;
        var request = known?.Request
            ?? throw new ChatException(ChatError.AnswerNotFound, $"There is no answer '{id}': it was never asked for as a stream, or it was delivered and is forgotten.");
        var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            return new([await RunningAnswer.StartAsync(id, request, Stream(id, null, new(after), leaving.Token), meters.Again(id, request, known.Tokens.Count), known.Identity)], leaving);
        }
        catch
        {
            leaving.Dispose();
            throw;
        }
    }

    /// <summary>All events of a kept conversation's answer, from the first: those that were, and those to come.</summary>
    /// <exception cref="ChatException">AnswerNotFound.</exception>
    public async Task<RunningAnswer> FollowAsync(string id, CancellationToken cancellation)
    {
        var known = await Conversation(id).Read();
        var request = known?.Request ?? throw new ChatException(ChatError.AnswerNotFound, $"There is no answer '{id}': it is deleted.");
        return await RunningAnswer.StartAsync(id, request, Stream(id, null, new(0), cancellation), meters.Again(id, request, known.Tokens.Count), known.Identity);
    }

    /// <summary>The client has all of it: nothing of it is kept any longer.</summary>
    public void Forget(string id) => Conversation(id).Forget().Ignore();

    private Task<RunningAnswer> BeginAsync(string? conversation, ChatRequest request, CancellationToken cancellation)
    {
        string id = conversation ?? AnswerId.New();
        return RunningAnswer.StartAsync(id, request, Stream(id, request, new(0), cancellation), meters.Begin(id, request));
    }

    private AnswerStream Stream(string id, ChatRequest? request, AnswerCursor from, CancellationToken cancellation) =>
        new(Conversation(id), request, from, new(options.Value.ResumeLimit, time, lifetime.ApplicationStopping), logger, cancellation);

    private IConversationGrain Conversation(string id) => grains.GetGrain<IConversationGrain>(id);
}
