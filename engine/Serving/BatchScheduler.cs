using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Sampling;

namespace SmolCluster.Engine.Serving;

/// <summary>
/// Continuous batching: one loop on one dedicated thread, each turn of it plan → forward → sample → deliver. Requests join
/// and leave between steps. Where pages run out, the sequence admitted last gives its pages back and is prefilled again
/// later, mostly from the prefix index: by the numerics contract its tokens are the same. Only <see cref="Submit"/> and a
/// generation's Cancel are called from other threads.
/// </summary>
internal sealed class BatchScheduler : IDisposable
{
    private readonly Transformer _transformer;
    private readonly KvPagePool _pool;
    private readonly ThreadTeam _team;
    private readonly EngineOptions _options;
    private readonly Func<int, bool> _endsAnswer;
    private readonly Sampler[] _samplers;   // one a worker
    private readonly float[] _logits;       // [sequences and drafted tokens][V]
    private readonly int _vocabulary;
    private readonly FairShares _shares = new();
    private readonly StepPlan _plan;
    private readonly WaitingLine _waiting;  // and the lock for it
    private readonly List<SequenceRun> _running = [];
    private readonly Thread _loop;
    private long _drafted, _accepted;
    private bool _stopping;

    public BatchScheduler(Transformer transformer, KvPagePool pool, ThreadTeam team, EngineOptions options, StepCost cost,
        int vocabulary, Func<int, bool> endsAnswer)
    {
        _transformer = transformer;
        _pool = pool;
        _team = team;
        _options = options;
        _endsAnswer = endsAnswer;
        _vocabulary = vocabulary;
        _samplers = [.. Enumerable.Range(0, team.Size).Select(_ => new Sampler(vocabulary))];
        int rows = options.MaxSequences + (options.Speculation ? PromptLookup.Longest : 0);
        _logits = new float[checked(rows * vocabulary)];
        _plan = new StepPlan(transformer.MaxTokens, cost, _shares);
        _waiting = new WaitingLine(options.MaxQueue);
        _loop = new Thread(Loop) { IsBackground = true, Name = "smol-batch" };
        _loop.Start();
    }

    /// <summary>Tokens guessed so far, and those of them that were drawn.</summary>
    public (long Drafted, long Accepted) Drafts => (Interlocked.Read(ref _drafted), Interlocked.Read(ref _accepted));

    /// <exception cref="QueueFullException">MaxQueue requests wait already, or as many of this user as may.</exception>
    public Generation Submit(GenerationRequest request)
    {
        ArgumentOutOfRangeException.ThrowIfZero(request.Tokens.Length, nameof(request));
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxTokens, 1, nameof(request));
        if (request.PromptLength < 0 || request.PromptLength > request.Tokens.Length)
        {
            throw new ArgumentException($"The prompt is said to be {request.PromptLength} of {request.Tokens.Length} tokens.", nameof(request));
        }

        if (request.Tokens.AsSpan().ContainsAnyExceptInRange(0, _vocabulary - 1))
        {
            throw new ArgumentException($"A token lies outside the vocabulary of {_vocabulary}.", nameof(request));
        }

        var run = new SequenceRun(request, new KvSequence(_pool), Wake, _options.Speculation);
        lock (_waiting)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            _waiting.Join(run);
            Monitor.Pulse(_waiting);
        }

        return run.ToGeneration();
    }

    public void Dispose()
    {
        lock (_waiting)
        {
            _stopping = true;
            Monitor.Pulse(_waiting);
        }

        _loop.Join();
    }

    private void Wake()
    {
        lock (_waiting)
        {
            Monitor.Pulse(_waiting);
        }
    }

    private void Loop()
    {
        _team.PinCaller();
        while (Admit())
        {
            try
            {
                _running.ForEach(static r => r.Adopt());
                Run(Reserve(_plan.Next(_running)));
            }
            catch (Exception failure)
            {
                // no running sequence is known to be whole; their readers get the reason, and the loop serves the next ones
                foreach (SequenceRun run in _running)
                {
                    run.End(failure);
                }

                _running.Clear();
            }
        }

        EndAll(new ObjectDisposedException(nameof(BatchScheduler), "The model was unloaded while this answer was generated."));
    }

    // drops what was cancelled, takes in what waits, and sleeps while there is nothing to do; false: stop
    private bool Admit()
    {
        lock (_waiting)
        {
            while (true)
            {
                _running.RemoveAll(EndedIfCancelled);
                foreach (SequenceRun cancelled in _waiting.Runs.Where(EndedIfCancelled).ToList())
                {
                    _waiting.Remove(cancelled);
                }

                TakeIn();
                if (_stopping || _running.Count > 0)
                {
                    return !_stopping;
                }

                Monitor.Wait(_waiting);
            }
        }
    }

    private void TakeIn()
    {
        _shares.Keep(_running.Concat(_waiting.Runs).Select(static r => r.Request.User).ToHashSet());
        while (_running.Count < _options.MaxSequences && _waiting.Next(_running, _shares) is { } next && Fits(next))
        {
            _waiting.Remove(next);
            next.WasAdmitted = true;
            _running.Add(next);
        }
    }

    // with the pages it finds in the index, and beside what those admitted before will still take for what they have; where it
    // must wait, it leaves its pages evictable
    private bool Fits(SequenceRun run)
    {
        run.Adopt();
        bool fits = _running.Count == 0 || PagesToCome(run) + _running.Sum(PagesToCome) <= _pool.Available;
        if (!fits)
        {
            run.Cache.Clear();
        }

        return fits;
    }

    private static int PagesToCome(SequenceRun run) => Math.Max(0, KvLayout.Pages(run.Count + 1) - run.Cache.PageCount);

    private static bool EndedIfCancelled(SequenceRun run)
    {
        if (!run.Cancelled)
        {
            return false;
        }

        run.End();
        return true;
    }

    // pages for the step; sequences admitted last give theirs up until the earlier ones have room, and drafts take only what is left
    private List<(SequenceRun Run, int Tokens)> Reserve(List<(SequenceRun Run, int Tokens)> step)
    {
        foreach ((SequenceRun run, int tokens) in step.OrderBy(s => _running.IndexOf(s.Run)).ToList())
        {
            while (_running.Contains(run) && !run.Cache.TryReserve(run.Cache.Length + Math.Min(tokens, run.Pending)))
            {
                SequenceRun last = _running[^1];
                last.Cache.Clear();
                _running.RemoveAt(_running.Count - 1);
                lock (_waiting)
                {
                    _waiting.Return(last);
                }
            }
        }

        step.RemoveAll(s => !_running.Contains(s.Run));
        return [.. step.Select(static s => s.Run.Cache.TryReserve(s.Run.Cache.Length + s.Tokens) ? s : (s.Run, s.Run.Pending))];
    }

    private void Run(List<(SequenceRun Run, int Tokens)> step)
    {
        BatchSlice[] slices = [.. step.Select(static s => s.Run.Slice(s.Tokens))];
        _transformer.Forward(slices, _logits);
        List<(SequenceRun Run, int Drafted)> rows =
            [.. step.SelectMany((s, i) => Enumerable.Range(0, slices[i].LogitRowCount).Select(drafted => (s.Run, drafted)))];
        var draws = new Draw[rows.Count];
        _team.For(rows.Count, (row, worker) => draws[row] = Sample(rows[row].Run, rows[row].Drafted, row, _samplers[worker]));
        int first = 0;
        for (int i = 0; i < step.Count; first += slices[i++].LogitRowCount)
        {
            (SequenceRun run, int tokens) = step[i];
            _shares.Count(run.Request.User, tokens);
            Deliver(run, draws.AsSpan(first, slices[i].LogitRowCount));
        }
    }

    // one sequence's impossible draw (all tokens forbidden, a logit that is no number) must not end its neighbours'
    private Draw Sample(SequenceRun run, int drafted, int row, Sampler sampler)
    {
        try
        {
            Span<float> logits = _logits.AsSpan(row * _vocabulary, _vocabulary);
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

    // draws after a drafted token hold while the tokens before them are those that were drawn
    private void Deliver(SequenceRun run, ReadOnlySpan<Draw> draws)
    {
        bool ended = false, holds = true;
        int place = 0;
        for (; place < draws.Length && holds && !ended; place++)
        {
            if (draws[place].Failure is { } failure)
            {
                Leave(run, failure);
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
            Leave(run, null);
        }
    }

    private void Leave(SequenceRun run, Exception? failure)
    {
        _running.Remove(run);
        run.End(failure);
    }

    private bool Ends(SequenceRun run, int token) =>
        _endsAnswer(token) || run.Request.StopTokens.Contains(token) || run.Generated >= run.Request.MaxTokens;

    private void EndAll(Exception reason)
    {
        lock (_waiting)
        {
            _running.AddRange(_waiting.Runs);
            _waiting.Clear();
        }

        foreach (SequenceRun run in _running)
        {
            run.End(reason);
        }

        _running.Clear();
    }

    /// <summary>A token, or why none could be drawn.</summary>
    private readonly record struct Draw(int Token, Exception? Failure);
}
