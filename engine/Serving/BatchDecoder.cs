using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Sampling;

namespace SmolCluster.Engine.Serving;

/// <summary>
/// One step of the batch: forward, draw, deliver. A sequence that brings drafted tokens has logits after each of them, and a draw
/// from each; they hold as long as the tokens before them are the ones that were drawn. A draw depends on the tokens before it, the
/// seed and its position only, so the tokens are those of an undrafted run, some of them earlier.
/// </summary>
/// <param name="transformer">The batch loop's own.</param>
/// <param name="team">Its threads.</param>
/// <param name="rows">Logits a step at most.</param>
/// <param name="vocabulary">Length of a row.</param>
/// <param name="endsAnswer">Whether a token ends any answer.</param>
internal sealed class BatchDecoder(Transformer transformer, ThreadTeam team, int rows, int vocabulary, Func<int, bool> endsAnswer) : IBatchDecoder
{
    private readonly Sampler[] _samplers = [.. Enumerable.Range(0, team.Size).Select(_ => new Sampler(vocabulary))]; // one a worker
    private readonly NativeBuffer<float> _logits = new(checked(rows * vocabulary)); // [rows][vocabulary]; rows that no step reaches take no memory
    private long _drafted, _accepted;

    public int MaxTokens => transformer.MaxTokens;

    public (long Drafted, long Accepted) Drafts => (Interlocked.Read(ref _drafted), Interlocked.Read(ref _accepted));

    public void Enter() => team.PinCaller();

    public void Run(IReadOnlyList<(SequenceRun Run, int Tokens)> step)
    {
        BatchSlice[] slices = [.. step.Select(static s => s.Run.Slice(s.Tokens))];
        transformer.Forward(slices, _logits.Span);
        (SequenceRun Run, int Drafted)[] places =
            [.. step.SelectMany((s, i) => Enumerable.Range(0, slices[i].LogitRowCount).Select(drafted => (s.Run, drafted)))];
        var draws = new Draw[places.Length];
        team.For(places.Length, (row, worker) => draws[row] = Sample(places[row].Run, places[row].Drafted, row, _samplers[worker]));
        int first = 0;
        for (int i = 0; i < slices.Length; first += slices[i++].LogitRowCount)
        {
            Deliver(step[i].Run, draws.AsSpan(first, slices[i].LogitRowCount));
        }
    }

    // one sequence's impossible draw (all tokens forbidden, a logit that is no number) must not end its neighbours'
    private Draw Sample(SequenceRun run, int drafted, int row, Sampler sampler)
    {
        try
        {
            Span<float> logits = _logits.Span.Slice(row * vocabulary, vocabulary);
            GenerationRequest request = run.Request;
            int token = sampler.Sample(logits, run.Tokens(drafted), request.PromptLength, request.Sampling);
            int place = run.Generated + drafted;
            return new(place < request.Replay?.Length ? request.Replay[place] : token, null);
        }
        catch (Exception failure) when (failure is ArgumentException or InvalidOperationException)
        {
            return new(0, failure);
        }
    }

    public void Dispose() => _logits.Dispose();

    private void Deliver(SequenceRun run, ReadOnlySpan<Draw> draws)
    {
        bool ended = false, holds = true;
        int place = 0;
        for (; place < draws.Length && holds && !ended; place++)
        {
            if (draws[place].Failure is { } failure)
            {
                run.End(failure);
                return;
            }

            holds = run.Append(draws[place].Token, place);
            ended = Ends(run, draws[place].Token);
        }

        if (draws.Length > 1)
        {
            int accepted = holds ? place : place - 1;
            Interlocked.Add(ref _drafted, draws.Length - 1);
            Interlocked.Add(ref _accepted, accepted);
            run.Settle(accepted);
        }

        run.Publish();
        if (ended)
        {
            run.End();
        }
    }

    private bool Ends(SequenceRun run, int token) =>
        endsAnswer(token) || run.Request.StopTokens.Contains(token) || run.Generated >= run.Request.MaxTokens;

    /// <summary>A token, or why none could be drawn.</summary>
    private readonly record struct Draw(int Token, Exception? Failure);
}
