using System.Diagnostics;

namespace SmolCluster.Contracts;

/// <summary>The attempts to read one answer from a silo, one after the other, as spans under the answer's: "attempt", and "attempt again"
/// wherever it goes on after a silo went away. Each is the parent of what its silo does.</summary>
/// <param name="source">Of the spans; null: nobody traces.</param>
/// <param name="answer">The answer's span; default: nobody traces.</param>
public sealed class AnswerAttempts(ActivitySource? source = null, ActivityContext answer = default)
{
    private Activity? _attempt;
    private int _count;

    /// <summary>The calls that the current method makes from here on belong to it.</summary>
    /// <param name="after">The last event that is known; 0: none.</param>
    public void Begin(long after)
    {
        _count++;
        if (source is null || answer == default)
            return;
        _attempt = TraceLink.Start(source, _count == 1 ? "attempt" : "attempt again", ActivityKind.Client, answer);
        _attempt?.SetTag("smolcluster.attempt", _count).SetTag("smolcluster.event.after", after);
        TraceLink.Set(_attempt?.Context ?? answer);
    }

    public void From(string silo) => _attempt?.SetTag("smolcluster.silo", silo);

    /// <param name="failure">Null: it came to its end, or was left.</param>
    public void End(Exception? failure)
    {
        TraceLink.End(_attempt, failure is ChatException chat ? $"{chat.Error}" : failure?.GetType().FullName);
        _attempt = null;
    }
}
