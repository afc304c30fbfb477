using System.Diagnostics;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Operations;

/// <summary>The attempts to read one answer from a silo, one after the other, as spans under the answer's: "attempt", and "attempt again"
/// wherever it goes on after a silo went away. Each is the parent of what its silo does.</summary>
/// <param name="answer">The answer's span; default: nobody traces.</param>
internal sealed class AnswerAttempts(ActivityContext answer)
{
    private Activity? attempt;
    private int count;

    /// <summary>The calls that the current method makes from here on belong to it.</summary>
    /// <param name="after">The last event that is known; 0: none.</param>
    public void Begin(long after)
    {
        count++;
        if (answer == default)
            return;
        attempt = TraceLink.Start(AnswerSpan.Source, count == 1 ? "attempt" : "attempt again", ActivityKind.Client, answer);
        attempt?.SetTag("smolcluster.attempt", count).SetTag("smolcluster.event.after", after);
        TraceLink.Set(attempt?.Context ?? answer);
    }

    public void From(string silo) => attempt?.SetTag("smolcluster.silo", silo);

    /// <param name="failure">Null: it came to its end, or was left.</param>
    public void End(Exception? failure)
    {
        TraceLink.End(attempt, failure is ChatException chat ? $"{chat.Error}" : failure?.GetType().FullName);
        attempt = null;
    }
}
