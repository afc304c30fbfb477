using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Ollama;

/// <summary>How long the parts of an answer took, as seen here: up to the first piece is the prompt's time, queue included.</summary>
internal sealed class OllamaClock(TimeProvider time)
{
    private readonly long began = time.GetTimestamp();
    private long? first;

    public DateTimeOffset Now => time.GetUtcNow();

    public void Saw(GenerationEvent happened)
    {
        if (happened is AnswerDelta or AnswerFinished)
            first ??= time.GetTimestamp();
    }

    public T End<T>(T last, AnswerFinished finished)
        where T : OllamaEnd => last with
        {
            Done = true,
            DoneReason = finished.Reason == "length" ? "length" : "stop",
            TotalDuration = Nanoseconds(time.GetElapsedTime(began)),
            LoadDuration = 0,
            PromptEvalCount = finished.PromptTokens,
            PromptEvalDuration = Nanoseconds(time.GetElapsedTime(began, first!.Value)),
            EvalCount = finished.CompletionTokens,
            EvalDuration = Nanoseconds(time.GetElapsedTime(first.Value)),
        };

    private static long Nanoseconds(TimeSpan span) => span.Ticks * TimeSpan.NanosecondsPerTick;
}
