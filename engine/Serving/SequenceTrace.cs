using System.Diagnostics;

namespace SmolCluster.Engine.Serving;

/// <summary>
/// A sequence's way through the batch as spans of the source "SmolCluster.Engine", one after the other, under the span of whoever asked:
/// <list type="table">
/// <item><term>queue</term><description>From its coming, or from giving its pages up (smolcluster.preempted), to its place in the batch.</description></item>
/// <item><term>prefill</term><description>One for each chunk of the prompt: a step of the batch. smolcluster.tokens computed for it,
/// smolcluster.tokens.before it known, smolcluster.batch.sequences in the step.</description></item>
/// <item><term>decode</term><description>The steps after it, to the end: smolcluster.tokens that they gave (the first came with the
/// prompt), smolcluster.steps.</description></item>
/// </list>
/// Only for requests that name a trace, and only while somebody listens. Touched by one thread at a time: who submits, then the loop.
/// </summary>
internal sealed class SequenceTrace
{
    private const string Decode = "decode";

    private static readonly ActivitySource s_source = new(BatchMeter.Name);

    private readonly ActivityContext _parent;
    private Activity? _open;
    private int _steps, _generatedBefore;

    private SequenceTrace(ActivityContext parent) => _parent = parent;

    /// <returns>Null: nobody would see it.</returns>
    public static SequenceTrace? Of(GenerationRequest request) =>
        request.Trace != default && s_source.HasListeners() ? new(request.Trace) : null;

    public void Waits(bool preempted)
    {
        Open("queue");
        if (preempted)
        {
            _open?.SetTag("smolcluster.preempted", true);
        }
    }

    /// <summary>A step of the batch begins that computes some of the sequence's tokens.</summary>
    /// <param name="sequences">In the step.</param>
    public void Begins(SequenceRun run, int tokens, int sequences)
    {
        if (run.Pending > 1)
        {
            Open("prefill");
            _open?.SetTag("smolcluster.tokens", tokens).SetTag("smolcluster.tokens.before", run.Cache.Length).SetTag("smolcluster.batch.sequences", sequences);
            return;
        }

        if (_open?.OperationName != Decode)
        {
            Open(Decode);
            (_steps, _generatedBefore) = (0, run.Generated);
        }

        _steps++;
    }

    /// <summary>The step is over; a chunk of the prompt with it.</summary>
    public void Stepped()
    {
        if (_open is { OperationName: not Decode })
        {
            Close();
        }
    }

    /// <summary>It leaves the batch: ended, or to wait again.</summary>
    public void Leaves(SequenceRun run, Exception? failure)
    {
        if (_open is { OperationName: Decode } decode)
        {
            decode.SetTag("smolcluster.tokens", run.Generated - _generatedBefore).SetTag("smolcluster.steps", _steps);
        }

        if (failure is not null)
        {
            _open?.SetTag("error.type", failure.GetType().FullName).SetStatus(ActivityStatusCode.Error);
        }

        Close();
    }

    // a span is the sequence's and not the thread's, which serves many
    private void Open(string name)
    {
        Close();
        Activity? current = Activity.Current;
        _open = s_source.StartActivity(name, ActivityKind.Internal, _parent);
        Activity.Current = current;
    }

    private void Close()
    {
        Activity? current = Activity.Current;
        _open?.Stop();
        _open = null;
        Activity.Current = current;
    }
}
