using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Sampling.Constraints;

namespace SmolCluster.Engine.Serving;

/// <summary>
/// One step of the batch: forward, draw, deliver. A sequence that brings drafted tokens has logits after each of them, and a draw
/// from each; they hold as long as the tokens before them are the ones that were drawn. A draw depends on the tokens before it, the
/// seed and its position only, so the tokens are those of an undrafted run, some of them earlier.
/// </summary>
/// <param name="pass">The batch loop's own.</param>
/// <param name="team">Its threads.</param>
/// <param name="rows">Logits a step at most.</param>
/// <param name="vocabulary">Length of a row.</param>
/// <param name="endsAnswer">Whether a token ends any answer.</param>
internal sealed class BatchDecoder(IForwardPass pass, ThreadTeam team, int rows, int vocabulary, Func<int, bool> endsAnswer) : IBatchDecoder
{
    private readonly int[] _ends = [.. Enumerable.Range(0, vocabulary).Where(endsAnswer)];
    private readonly float[]?[] _raw = new float[team.Size][]; // one a worker, [vocabulary]: logits before the sampler has changed them
    private readonly Sampler[] _samplers = [.. Enumerable.Range(0, team.Size).Select(_ => new Sampler(vocabulary))]; // one a worker
    private readonly NativeBuffer<float> _logits = new(checked(rows * vocabulary)); // [rows][vocabulary]; rows that no step reaches take no memory
    private long _drafted, _accepted;

    public int MaxTokens => pass.MaxTokens;

    public (long Drafted, long Accepted) Drafts => (Interlocked.Read(ref _drafted), Interlocked.Read(ref _accepted));

    public void Enter() => team.PinCaller();

    public void Run(IReadOnlyList<(SequenceRun Run, int Tokens)> step)
    {
        BatchSlice[] slices = [.. step.Select(static s => s.Run.Slice(s.Tokens))];
        pass.Forward(slices, _logits.Span);
        (SequenceRun Run, int Drafted)[] places =
            [.. step.SelectMany((s, i) => Enumerable.Range(0, slices[i].LogitRowCount).Select(drafted => (s.Run, drafted)))];
        var draws = new Drawn[places.Length];
        team.For(places.Length, (row, worker) => draws[row] = Sample(places[row].Run, places[row].Drafted, row, worker));
        int first = 0;
        for (int i = 0; i < slices.Length; first += slices[i++].LogitRowCount)
        {
            Deliver(step[i].Run, draws.AsSpan(first, slices[i].LogitRowCount));
        }
    }

    // one sequence's impossible draw (all tokens forbidden, a logit that is no number, a constraint too costly here) must not end its neighbours'
    private Drawn Sample(SequenceRun run, int drafted, int row, int worker)
    {
        try
        {
            Span<float> logits = _logits.Span.Slice(row * vocabulary, vocabulary);
            if (run.Request.TopLogprobs is not { } top)
            {
                return new(Draw(run, drafted, logits, worker), null, null);
            }

            float[] raw = _raw[worker] ??= new float[vocabulary];
            logits.CopyTo(raw);
            return Draw(run, drafted, logits, worker) is { } token ? new(token, TokenLogprobs.Of(raw, token, top), null) : default;
        }
        catch (Exception failure) when (failure is ArgumentException or InvalidOperationException or ConstraintException)
        {
            return new(null, null, failure);
        }
    }

    /// <returns>Null: it is not known yet which tokens its constraint allows.</returns>
    private int? Draw(SequenceRun run, int drafted, Span<float> logits, int worker)
    {
        GenerationRequest request = run.Request;
        ReadOnlySpan<int> tokens = run.Tokens(drafted);
        if (request.Thinking?.Next(tokens[request.PromptLength..]) is { } forced)
        {
            return forced;
        }

        if (tokens.Length - request.PromptLength < request.MinTokens)
        {
            foreach (int end in _ends)
            {
                logits[end] = float.NegativeInfinity;
            }
        }

        if (run.Constraint?.TryApply(drafted, logits) == false)
        {
            return null;
        }

        int token = _samplers[worker].Sample(logits, tokens, request.PromptLength, request.Sampling);
        int place = run.Generated + drafted;
        return place < request.Replay?.Length ? request.Replay[place] : token;
    }

    public void Dispose() => _logits.Dispose();

    private void Deliver(SequenceRun run, ReadOnlySpan<Drawn> draws)
    {
        bool ended = false, holds = true, late = false;
        int place = 0;
        for (; place < draws.Length && holds && !ended; place++)
        {
            if (draws[place].Failure is { } failure)
            {
                run.End(failure);
                return;
            }

            if (draws[place].Token is not { } token)
            {
                late = true;
                break;
            }

            holds = run.Append(token, place, draws[place].Logprobs);
            ended = Ends(run, token);
        }

        Settle(run, draws.Length - 1, holds ? place : place - 1, late);
        run.Publish();
        if (ended || run.Pending == 0)
        {
            run.End();
        }
    }

    private void Settle(SequenceRun run, int drafted, int accepted, bool late)
    {
        if (drafted > 0)
        {
            Interlocked.Add(ref _drafted, drafted);
            Interlocked.Add(ref _accepted, accepted);
        }

        if (late)
        {
            run.Postpone(accepted);
        }
        else if (drafted > 0)
        {
            run.Settle(accepted);
        }
    }

    private bool Ends(SequenceRun run, int token) =>
        endsAnswer(token) || run.Request.StopTokens.Contains(token) || run.Generated >= run.Request.MaxTokens;

    /// <summary>A token, or why none could be drawn; neither: what it keeps to is not known yet.</summary>
    private readonly record struct Drawn(int? Token, TokenLogprobs? Logprobs, Exception? Failure);
}
