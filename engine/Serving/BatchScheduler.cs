using System.Diagnostics;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Serving;

/// <summary>
/// Continuous batching: one loop on one dedicated thread, each turn of it plan → forward → sample → deliver. Requests join
/// and leave between steps. Where pages run out, the sequence admitted last gives its pages back and is prefilled again
/// later, mostly from the prefix index: by the numerics contract its tokens are the same. Only <see cref="Submit"/>,
/// <see cref="Between"/> and a generation's Cancel are called from other threads.
/// </summary>
internal sealed class BatchScheduler : IDisposable
{
    private readonly KvPagePool _pool;
    private readonly EngineOptions _options;
    private readonly IBatchDecoder _decoder;
    private readonly int _vocabulary;
    private readonly FairShares _shares = new();
    private readonly StepPlan _plan;
    private readonly WaitingLine _waiting;  // and the lock for it
    private readonly List<SequenceRun> _running = [];
    private readonly Queue<Action> _errands = new(); // under the same lock
    private readonly BatchMeter _meter;
    private readonly Thread _loop;
    private long _steps;
    private bool _stopping;

    public BatchScheduler(IForwardPass pass, KvPagePool pool, ThreadTeam team, EngineOptions options, StepCost cost,
        int vocabulary, Func<int, bool> endsAnswer)
        : this(new BatchDecoder(pass, team, options.MaxSequences + (options.Speculation ? StepPlan.CheapTokens : 0), vocabulary, endsAnswer),
            pool, options, cost, vocabulary)
    {
    }

    /// <param name="decoder">Disposed with this.</param>
    public BatchScheduler(IBatchDecoder decoder, KvPagePool pool, EngineOptions options, StepCost cost, int vocabulary)
    {
        _pool = pool;
        _options = options;
        _vocabulary = vocabulary;
        _decoder = decoder;
        _plan = new StepPlan(decoder.MaxTokens, cost, _shares);
        _waiting = new WaitingLine(options.MaxQueue);
        _meter = new BatchMeter(options.ModelId ?? "", pool, Queue, () => Drafts);
        _loop = new Thread(Loop) { IsBackground = true, Name = "smol-batch" };
        _loop.Start();
    }

    /// <summary>Tokens guessed so far, and those of them that were drawn.</summary>
    public (long Drafted, long Accepted) Drafts => _decoder.Drafts;

    /// <summary>How fast prompts are computed here.</summary>
    public PrefillPace Pace { get; } = new();

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

        if (request.Constraint is { } constraint && (constraint.VocabularyLength != _vocabulary || request.Replay is not null))
        {
            throw new ArgumentException("The constraint was compiled for another vocabulary, or the tokens are given beforehand.", nameof(request));
        }

        var run = new SequenceRun(request, new KvSequence(_pool, request.Adapter), Wake, _options.Speculation);
        lock (_waiting)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            _waiting.Join(run);
            run.Trace?.Waits(preempted: false);
            Monitor.Pulse(_waiting);
        }

        return run.ToGeneration();
    }

    /// <summary>Does something with pages on their owner's thread, the loop's, between two steps.</summary>
    /// <exception cref="ObjectDisposedException">The model was unloaded.</exception>
    public Task<T> Between<T>(Func<T> errand)
    {
        // whoever waits goes on elsewhere: the loop is no thread to lend
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_waiting)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            _errands.Enqueue(() =>
            {
                try
                {
                    done.SetResult(errand());
                }
                catch (Exception failure)
                {
                    done.SetException(failure);
                }
            });
            Monitor.Pulse(_waiting);
        }

        return done.Task;
    }

    public void Dispose()
    {
        lock (_waiting)
        {
            _stopping = true;
            Monitor.Pulse(_waiting);
        }

        _loop.Join();
        _meter.Dispose();
        _decoder.Dispose();
    }

    private (int Waiting, int Running) Queue()
    {
        lock (_waiting)
        {
            return (_waiting.Runs.Count, _running.Count);
        }
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
        _decoder.Enter();
        while (Admit())
        {
            RunErrands();
            if (_running.TrueForAll(Waits))
            {
                continue;
            }

            try
            {
                Step();
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

        RunErrands();
        EndAll(new ObjectDisposedException(nameof(BatchScheduler), "The model was unloaded while this answer was generated."));
    }

    private void Step()
    {
        _running.ForEach(static r => r.Adopt());
        List<(SequenceRun Run, int Tokens)> step = Reserve(_plan.Next(_running.FindAll(static r => !r.Waits)));
        long start = Stopwatch.GetTimestamp();
        _meter.Begins(step);
        step.ForEach(s => s.Run.Trace?.Begins(s.Run, s.Tokens, step.Count));
        _decoder.Run(step);
        _meter.Ended(start);
        step.ForEach(static s => s.Run.Trace?.Stepped());
        Pace.Count(step.Sum(static s => s.Tokens), Stopwatch.GetElapsedTime(start));
        Count(step);
        _running.RemoveAll(static r => r.HasEnded);
    }

    private void Count(List<(SequenceRun Run, int Tokens)> step)
    {
        _steps++;
        foreach ((SequenceRun run, int tokens) in step)
        {
            _shares.Count(run.Request.User, tokens / run.Request.Weight);
            run.LastStep = _steps;
        }
    }

    private void RunErrands()
    {
        while (true)
        {
            Action? errand;
            lock (_waiting)
            {
                if (!_errands.TryDequeue(out errand))
                {
                    return;
                }
            }

            errand();
        }
    }

    // drops what was cancelled, takes in what waits, and sleeps while there is nothing to do at all; false: stop
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
                if (_stopping || !_running.TrueForAll(Waits) || _errands.Count > 0)
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
        while (_waiting.Next(_running, _shares) is { } next && HasRoom(next))
        {
            _waiting.Remove(next);
            if (!next.WasAdmitted)
            {
                _meter.Admitted(next);
            }

            next.WasAdmitted = true;
            _running.Add(next);
        }
    }

    // where the batch or the pages are full of others' answers, those of the user who has most give way: whoever comes, comes in
    // within a step, however long the answers are that run
    private bool HasRoom(SequenceRun next)
    {
        while (_running.Count >= _options.MaxSequences || !Fits(next))
        {
            if (WaitingLine.GivesWay(_running, next) is not { } last)
            {
                return false;
            }

            last.Cache.Clear();
            _running.Remove(last);
            WaitsAgain(last);
            _waiting.GiveWay(last);
        }

        return true;
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

    private static void WaitsAgain(SequenceRun run)
    {
        run.Trace?.Leaves(run, null);
        run.Trace?.Waits(preempted: true);
    }

    private static int PagesToCome(SequenceRun run) => Math.Max(0, KvLayout.Pages(run.Count + 1) - run.Cache.PageCount);

    private static bool Waits(SequenceRun run) => run.Waits;

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
                _meter.Preempted();
                _running.RemoveAt(_running.Count - 1);
                WaitsAgain(last);
                lock (_waiting)
                {
                    _waiting.Return(last);
                }
            }
        }

        step.RemoveAll(s => !_running.Contains(s.Run));
        return [.. step.Select(static s => s.Run.Cache.TryReserve(s.Run.Cache.Length + s.Tokens) ? s : (s.Run, s.Run.Pending))];
    }

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
}
