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
    private const int PrefillBesideDecode = 32;

    private readonly Transformer _transformer;
    private readonly KvPagePool _pool;
    private readonly ThreadTeam _team;
    private readonly EngineOptions _options;
    private readonly Func<int, bool> _endsAnswer;
    private readonly Sampler[] _samplers;   // one a worker
    private readonly NativeBuffer<float> _logits; // [MaxSequences][V]; rows that no step reaches take no memory
    private readonly int _vocabulary;
    private readonly StepPlan _plan;
    private readonly LinkedList<SequenceRun> _waiting = new();
    private readonly List<SequenceRun> _running = [];
    private readonly Thread _loop;
    private bool _stopping;

    public BatchScheduler(Transformer transformer, KvPagePool pool, ThreadTeam team, EngineOptions options, int vocabulary,
        Func<int, bool> endsAnswer)
    {
        _transformer = transformer;
        _pool = pool;
        _team = team;
        _options = options;
        _endsAnswer = endsAnswer;
        _vocabulary = vocabulary;
        _samplers = [.. Enumerable.Range(0, team.Size).Select(_ => new Sampler(vocabulary))];
        _logits = new NativeBuffer<float>(checked(options.MaxSequences * vocabulary));
        _plan = new StepPlan(transformer.MaxTokens, PrefillBesideDecode);
        _loop = new Thread(Loop) { IsBackground = true, Name = "smol-batch" };
        _loop.Start();
    }

    /// <exception cref="QueueFullException">MaxQueue requests wait already.</exception>
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

        var run = new SequenceRun(request, new KvSequence(_pool), Wake);
        lock (_waiting)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            if (_waiting.Count >= _options.MaxQueue)
            {
                throw new QueueFullException($"{_waiting.Count} requests wait for this model already, the most this node queues. Try again shortly.");
            }

            _waiting.AddLast(run);
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
        _logits.Dispose();
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
                for (LinkedListNode<SequenceRun>? node = _waiting.First, next; node is not null; node = next)
                {
                    next = node.Next;
                    if (EndedIfCancelled(node.Value))
                    {
                        _waiting.Remove(node);
                    }
                }

                while (_waiting.First is { } first && _running.Count < _options.MaxSequences && Fits(first.Value))
                {
                    _waiting.RemoveFirst();
                    _running.Add(first.Value);
                }

                if (_stopping || _running.Count > 0)
                {
                    return !_stopping;
                }

                Monitor.Wait(_waiting);
            }
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

    // pages for the step; sequences admitted last give theirs up until the earlier ones have room
    private List<(SequenceRun Run, int Tokens)> Reserve(List<(SequenceRun Run, int Tokens)> step)
    {
        foreach ((SequenceRun run, int tokens) in step.OrderBy(s => _running.IndexOf(s.Run)).ToList())
        {
            while (_running.Contains(run) && !run.Cache.TryReserve(run.Cache.Length + tokens))
            {
                SequenceRun last = _running[^1];
                last.Cache.Clear();
                _running.RemoveAt(_running.Count - 1);
                lock (_waiting)
                {
                    _waiting.AddFirst(last);
                }
            }
        }

        step.RemoveAll(s => !_running.Contains(s.Run));
        return step;
    }

    private void Run(List<(SequenceRun Run, int Tokens)> step)
    {
        BatchSlice[] slices = [.. step.Select(static s => s.Run.Slice(s.Tokens))];
        _transformer.Forward(slices, _logits.Span);
        List<SequenceRun> sampled = [.. step.Where((_, i) => slices[i].Logits == LogitRows.Last).Select(static s => s.Run)];
        var next = new Draw[sampled.Count];
        _team.For(sampled.Count, (row, worker) => next[row] = Sample(sampled[row], row, _samplers[worker]));
        foreach ((SequenceRun run, int tokens) in step)
        {
            run.Publish();
            _plan.Count(run.Request.User, tokens);
        }

        for (int row = 0; row < next.Length; row++)
        {
            Deliver(sampled[row], next[row]);
        }
    }

    // one sequence's impossible draw (all tokens forbidden, a logit that is no number) must not end its neighbours'
    private Draw Sample(SequenceRun run, int row, Sampler sampler)
    {
        try
        {
            Span<float> logits = _logits.Span.Slice(row * _vocabulary, _vocabulary);
            return new(sampler.Sample(logits, run.Tokens, run.Request.PromptLength, run.Request.Sampling), null);
        }
        catch (Exception failure) when (failure is ArgumentException or InvalidOperationException)
        {
            return new(0, failure);
        }
    }

    private void Deliver(SequenceRun run, Draw draw)
    {
        if (draw.Failure is null)
        {
            run.Append(draw.Token);
        }

        if (draw.Failure is not null || Ends(run, draw.Token))
        {
            _running.Remove(run);
            run.End(draw.Failure);
        }
    }

    private bool Ends(SequenceRun run, int token) =>
        _endsAnswer(token) || run.Request.StopTokens.Contains(token) || run.Generated >= run.Request.MaxTokens;

    private void EndAll(Exception reason)
    {
        lock (_waiting)
        {
            _running.AddRange(_waiting);
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
