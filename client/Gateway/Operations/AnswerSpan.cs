using System.Diagnostics;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Operations;

/// <summary>An answer as a span "chat MODEL" of the source "SmolCluster.Gateway", with the attributes of OpenTelemetry's conventions for
/// generative AI, and under it one span for each attempt to get it from a silo. Never a word of what people write, and a model's name only
/// once the cluster has said that it is one.</summary>
internal sealed class AnswerSpan
{
    internal static readonly ActivitySource Source = new(GatewayMetrics.MeterName);

    private readonly Activity? span;
    private readonly string operation;

    /// <param name="operation">chat or text_completion.</param>
    public AnswerSpan(string operation, string id, ChatRequest request)
    {
        this.operation = operation;
        if (!Source.HasListeners())
            return;
        span = TraceLink.Start(Source, operation, ActivityKind.Client, Activity.Current?.Context ?? default);
        span?.SetTag("gen_ai.operation.name", operation).SetTag("gen_ai.provider.name", "smolcluster").SetTag("gen_ai.conversation.id", id)
            .SetTag("gen_ai.output.type", request.Constraint is null ? "text" : "json")
            .SetTag("gen_ai.request.temperature", request.Sampling.Temperature).SetTag("gen_ai.request.top_p", request.Sampling.TopP)
            .SetTag("gen_ai.request.seed", unchecked((long)request.Sampling.Seed)).SetTag("gen_ai.request.max_tokens", request.MaxTokens);
    }

    public void Started(AnswerStarted started)
    {
        if (span is null)
            return;
        span.DisplayName = $"{operation} {started.Model}";
        span.SetTag("gen_ai.request.model", started.Model).SetTag("gen_ai.response.model", started.Model).SetTag("smolcluster.silo", started.Silo);
    }

    public void FirstText() => span?.AddEvent(new("first text"));

    /// <param name="outcome">stop, length, tool_calls, error or left.</param>
    public void End(string outcome, string? error, int prompt, int cached, int output)
    {
        span?.SetTag("gen_ai.response.finish_reasons", new[] { outcome }).SetTag("gen_ai.usage.input_tokens", prompt)
            .SetTag("gen_ai.usage.cache_read.input_tokens", cached).SetTag("gen_ai.usage.output_tokens", output);
        TraceLink.End(span, error);
    }

    /// <summary>What a stream of this answer counts its attempts under.</summary>
    public AnswerAttempts Attempts => new(Source, span?.Context ?? default);
}
