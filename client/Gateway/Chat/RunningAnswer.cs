using System.Security.Cryptography;
using System.Text;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Errors;
using SmolCluster.Gateway.Operations;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>An answer on its way to a client: what all of its chunks have in common, and its events. It is there once the first
/// event has come, so that what the cluster refuses is still an HTTP status and not an error in a stream that began with 200.
/// Disposing it, like cancelling it, tells the conversation to stop and free its cache.</summary>
internal sealed class RunningAnswer : IAsyncDisposable
{
    private readonly AnswerStream events;
    private readonly AnswerMeter meter;
    private readonly GenerationEvent first;
    private readonly Deadline? deadline = Deadline.Current;

    private RunningAnswer(string id, ChatRequest request, string? identity, AnswerStream events, AnswerMeter meter, GenerationEvent first)
    {
        Id = id;
        Fingerprint = FingerprintOf(identity ?? (first as AnswerStarted)?.Identity ?? "");
        Request = request;
        this.events = events;
        this.meter = meter;
        this.first = first;
    }

    public string Id { get; }

    public ChatRequest Request { get; }

    /// <summary>Of the model's identity.</summary>
    public string Fingerprint { get; }

    /// <summary>Unix seconds.</summary>
    public long Created => Request.Asked!.Value.ToUnixTimeSeconds();

    /// <summary>Null: the client has that event already.</summary>
    public AnswerStarted? Started => first as AnswerStarted;

    /// <param name="request">As it was asked; its time is set.</param>
    /// <param name="identity">The model's, where it is known before the first event.</param>
    public static async Task<RunningAnswer> StartAsync(string id, ChatRequest request, AnswerStream events, AnswerMeter meter, string? identity = null)
    {
        try
        {
            var first = await NextAsync(events, Deadline.Current) ?? throw new InvalidOperationException($"The answer {id} has no events.");
            return new(id, request, identity, events, meter, first);
        }
        catch (Exception failure)
        {
            meter.Failed(failure);
            await events.DisposeAsync();
            throw;
        }
    }

    /// <summary>The events, once; the last is <see cref="AnswerFinished"/>.</summary>
    public async IAsyncEnumerable<GenerationEvent> ReadAsync()
    {
        for (var happened = first; happened is not null; happened = await NextAsync())
        {
            meter.Saw(happened);
            yield return happened;
        }
    }

    public ValueTask DisposeAsync()
    {
        meter.Left();
        return events.DisposeAsync();
    }

    private async Task<GenerationEvent?> NextAsync()
    {
        try
        {
            return await NextAsync(events, deadline);
        }
        catch (Exception failure)
        {
            meter.Failed(failure);
            throw;
        }
    }

    /// <exception cref="ApiException">The client's time for it is over: 504.</exception>
    private static async Task<GenerationEvent?> NextAsync(AnswerStream events, Deadline? deadline)
    {
        try
        {
            return await events.NextAsync();
        }
        catch (OperationCanceledException) when (deadline is { Passed: true })
        {
            throw new ApiException(deadline.Error);
        }
    }

    private static string FingerprintOf(string identity) =>
        "fp_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity)).AsSpan(0, 6));
}
