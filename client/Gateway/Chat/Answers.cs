using Microsoft.Extensions.Options;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Models;
using SmolCluster.Gateway.Operations;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>Begins answers, and goes on with those that clients come back for.</summary>
internal sealed class Answers(IGrainFactory grains, ModelPlaces places, IOptions<GatewayOptions> options, TimeProvider time,
    IHostApplicationLifetime lifetime, AnswerMeters meters, ILogger<Answers> logger)
{
    /// <summary>Answers to some requests side by side; each is admitted before the next is asked for.</summary>
    /// <exception cref="Errors.ApiException">404: no silo has the model.</exception>
    public async Task<RunningChoices> StartAsync(IReadOnlyList<ChatRequest> requests, CancellationToken cancellation)
    {
        var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellation, Deadline.Current?.Token ?? CancellationToken.None);
        var started = new List<RunningAnswer>();
        try
        {
            foreach (var request in requests)
                started.Add(await StartAsync(request, leaving.Token));
        }
        catch
        {
            await new RunningChoices(started, leaving).DisposeAsync();
            throw;
        }
        return new(started, leaving);
    }

    /// <param name="newId">Of the conversation; null: one that ends with its answer.</param>
    /// <exception cref="Errors.ApiException">404: no silo has the model.</exception>
    public Task<RunningAnswer> StartAsync(ChatRequest request, CancellationToken cancellation, Func<string>? newId = null) =>
        places.CallAsync(request.Model, () => BeginAsync(newId is null ? AnswerId.New() : newId(), request, cancellation));

    /// <param name="after">The last event that the client has; 0: none.</param>
    /// <exception cref="ChatException">AnswerNotFound.</exception>
    public async Task<RunningChoices> ResumeAsync(string id, long after, CancellationToken cancellation)
    {
        var known = AnswerId.Is(id) ? await Conversation(id).Read() : null;
        var request = known?.Request
            ?? throw new ChatException(ChatError.AnswerNotFound, $"There is no answer '{id}': it was never asked for as a stream, or it was delivered and is forgotten.");
        var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellation, Deadline.Current?.Token ?? CancellationToken.None);
        try
        {
            return new([await ReadAsync(id, request, new(after), known, leaving.Token)], leaving);
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
        return await ReadAsync(id, request, new(0), known, cancellation);
    }

    /// <summary>The client has all of it: nothing of it is kept any longer.</summary>
    public void Forget(string id) => Conversation(id).Forget().Ignore();

    private Task<RunningAnswer> BeginAsync(string id, ChatRequest request, CancellationToken cancellation)
    {
        var meter = meters.Begin(id, request);
        return RunningAnswer.StartAsync(id, request, Stream(id, Weighted(request), new(0), meter, cancellation), meter);
    }

    private Task<RunningAnswer> ReadAsync(string id, ChatRequest request, AnswerCursor from, ConversationSnapshot known, CancellationToken cancellation)
    {
        var meter = meters.Again(id, request, known.Tokens.Count);
        return RunningAnswer.StartAsync(id, request, Stream(id, null, from, meter, cancellation), meter, known.Identity);
    }

    private AnswerStream Stream(string id, ChatRequest? request, AnswerCursor from, AnswerMeter meter, CancellationToken cancellation) =>
        new(Conversation(id), request, from, meter.Attempts, new(options.Value.ResumeLimit, time, lifetime.ApplicationStopping), logger, cancellation);

    /// <summary>With the share of a busy model that its user is given here.</summary>
    public ChatRequest Weighted(ChatRequest request) =>
        request with { Weight = options.Value.Weights.GetValueOrDefault(request.User[(request.User.IndexOf(':') + 1)..], 1) };

    private IConversationGrain Conversation(string id) => grains.GetGrain<IConversationGrain>(id);
}
