using System.Diagnostics;
using SmolCluster.Answering;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Grains;

/// <summary>A stretch of an answer on this silo as a span of the source "SmolCluster.Grains", under the one of the reader's attempt: "ask" or
/// "go on", with a span "prompt" for template, tokens and constraint; the engine's spans follow under it. Names, numbers and codes
/// only, never a word of what people write.</summary>
internal sealed class AnswerSpan : IDisposable
{
    private static readonly ActivitySource s_source = new("SmolCluster.Grains");

    private readonly Activity? _span;
    private string? _error;
    private bool _finished;

    /// <param name="attempt">The reader's; null: the answer begins here.</param>
    public AnswerSpan(AnswerCursor? attempt, string conversation, string silo)
    {
        if (!s_source.HasListeners()) return;
        _span = TraceLink.Start(s_source, attempt is null ? "ask" : "go on", ActivityKind.Server, TraceLink.Read());
        _span?.SetTag("gen_ai.conversation.id", conversation).SetTag("smolcluster.silo", silo);
        if (attempt is not null) _span?.SetTag("smolcluster.attempt", attempt.Attempt).SetTag("smolcluster.event.after", attempt.Number);
    }

    /// <summary>Plans the answer so that its time in the batch is told here too.</summary>
    public async Task<AnswerPlan> Plan(AnswerStart start, IChatModel model, CancellationToken cancellation)
    {
        _span?.SetTag("gen_ai.request.model", model.Card.Id).SetTag("smolcluster.tokens.known", start.Tokens.Count);
        var prompt = _span is null ? null : TraceLink.Start(s_source, "prompt", ActivityKind.Internal, _span.Context);
        try
        {
            var plan = await AnswerPlan.For(start.Request, model, cancellation);
            prompt?.SetTag("gen_ai.usage.input_tokens", plan.Generation.PromptLength);
            return _span is null ? plan : plan with { Generation = plan.Generation with { Trace = _span.Context } };
        }
        finally
        {
            TraceLink.End(prompt);
        }
    }

    public void Finished(AnswerFinished end)
    {
        _finished = true;
        _span?.SetTag("gen_ai.usage.input_tokens", end.PromptTokens).SetTag("gen_ai.usage.output_tokens", end.CompletionTokens)
            .SetTag("gen_ai.response.finish_reasons", new[] { end.Reason });
    }

    /// <summary>A cancellation is no failure: the reader left.</summary>
    public void Failed(Exception failure) => _error = failure switch
    {
        OperationCanceledException => null,
        ChatException chat => $"{chat.Error}",
        _ => failure.GetType().FullName,
    };

    /// <summary>Ends it; without an end or a failure, its reader left.</summary>
    public void Dispose()
    {
        if (!_finished && _error is null) _span?.SetTag("smolcluster.outcome", "left");
        TraceLink.End(_span, _error);
    }
}
