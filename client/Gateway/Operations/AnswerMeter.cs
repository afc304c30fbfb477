using System.Diagnostics;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Errors;
using SmolCluster.Gateway.Keys;

namespace SmolCluster.Gateway.Operations;

/// <summary>Begins the measure of each answer; all dialects get their answers where this is called.</summary>
internal sealed class AnswerMeters(GatewayMetrics metrics, KeyUsages usages, TimeProvider time, ILogger<AnswerMeter> logger)
{
    public AnswerMeter Begin(string id, ChatRequest request) => new(metrics, usages, time, logger, id, request, null);

    /// <summary>One that began before, and was measured and charged then.</summary>
    /// <param name="known">Tokens of it that were there already.</param>
    public AnswerMeter Again(string id, ChatRequest request, int known) => new(metrics, usages, time, logger, id, request, known);
}

/// <summary>One answer as it passes: measured, charged to its key, and told in one line of the log without a word of its text. Not
/// thread-safe; ends once.</summary>
internal sealed class AnswerMeter(GatewayMetrics metrics, KeyUsages usages, TimeProvider time, ILogger<AnswerMeter> logger, string id, ChatRequest request, int? known)
{
    private readonly long began = time.GetTimestamp();
    private readonly AnswerSpan span = new(Operation(request), id, request);
    private TagList tags;
    private long? first;
    private long last;
    private int prompt, cached, output, outputAtFirst;
    private bool accepted, ended;

    /// <summary>Of the span that this answer is in its trace.</summary>
    public AnswerAttempts Attempts => span.Attempts;

    public void Saw(GenerationEvent happened)
    {
        switch (happened)
        {
            case AnswerStarted started:
                Accept(started.PromptTokens);
                span.Started(started);
                break;
            case PrefillStarted prefill:
                cached = prefill.CachedTokens;
                break;
            case AnswerDelta delta:
                SawDelta(delta.Tokens.Count);
                break;
            case AnswerFinished finished:
                (prompt, cached, output) = (finished.PromptTokens, finished.CachedTokens, finished.CompletionTokens);
                End(finished.Reason, null);
                break;
        }
    }

    public void Failed(Exception failure) => End("error", ClusterErrors.From(failure).Code);

    /// <summary>Nobody reads it any more.</summary>
    public void Left() => End("left", "client_left");

    private void Accept(int promptTokens)
    {
        (prompt, accepted) = (promptTokens, true);
        tags = new TagList
        {
            { "gen_ai.operation.name", Operation(request) },
            { "gen_ai.provider.name", "smolcluster" },
            { "gen_ai.request.model", request.Model },
        };
        metrics.Active.Add(1, tags);
        if (known is null)
            usages.Charge(request.User, promptTokens);
    }

    private void SawDelta(int tokens)
    {
        output += tokens;
        if (known is not null)
            return;
        long now = time.GetTimestamp();
        if (first is not null)
            metrics.Gap.Record(time.GetElapsedTime(last, now).TotalSeconds, tags);
        else
        {
            (first, outputAtFirst) = (now, output);
            span.FirstText();
            metrics.TimeToFirstToken.Record(time.GetElapsedTime(began, now).TotalSeconds, tags);
        }
        last = now;
    }

    private void End(string outcome, string? error)
    {
        if (ended)
            return;
        ended = true;
        var duration = time.GetElapsedTime(began);
        span.End(outcome, error, prompt, cached, output);
        if (accepted)
            Measure(duration, error);
        logger.LogInformation("Answer {Answer} of {Model} for {User}: {Outcome} {Error} after {Milliseconds:F0} ms, first text after {FirstMilliseconds:F0} ms; "
            + "{PromptTokens} prompt tokens, {CachedTokens} cached, {CompletionTokens} of the answer", id, accepted ? request.Model : "(none)", request.User, outcome, error,
            duration.TotalMilliseconds, first is { } at ? time.GetElapsedTime(began, at).TotalMilliseconds : null, prompt, cached, output);
    }

    private static string Operation(ChatRequest request) => request.Prompt is null ? "chat" : "text_completion";

    private void Measure(TimeSpan duration, string? error)
    {
        metrics.Active.Add(-1, tags);
        int computed = Math.Max(0, output - (known ?? 0));
        usages.Charge(request.User, computed);
        Count("output", computed);
        if (known is not null)
            return;
        Count("input", prompt);
        Count("input_cached", cached);
        if (first is { } at && output > outputAtFirst)
            metrics.TimePerToken.Record(time.GetElapsedTime(at, last).TotalSeconds / (output - outputAtFirst), tags);
        var ending = tags;
        if (error is not null)
            ending.Add("error.type", error);
        metrics.Duration.Record(duration.TotalSeconds, ending);
    }

    private void Count(string type, int tokens)
    {
        var typed = tags;
        typed.Add("gen_ai.token.type", type);
        metrics.Tokens.Add(tokens, typed);
    }
}
