namespace SmolCluster.Engine.Kernels;

/// <summary>
/// Fork and join over dedicated threads: the caller and its workers take numbered pieces of work until none is left. Pieces
/// write to disjoint places and no result is combined across threads, so who took which piece cannot show in the result.
/// Workers spin for less than a millisecond between two regions of a forward step and park when no step follows. Dedicated because
/// spinning on the thread pool starves Orleans' own turns.
/// </summary>
public sealed class ThreadTeam : IDisposable
{
    private const int SpinsBeforeParking = 2000;

    private readonly Thread[] _workers;
    private readonly object _gate = new();
    private Action<int, int>? _body;
    private int _count, _next, _running, _parked;
    private volatile int _region;
    private volatile bool _stopping;
    private Exception? _failure;

    /// <param name="size">Threads at work in a region, the caller included; at least 1.</param>
    public ThreadTeam(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        _workers = new Thread[size - 1];
        for (int i = 0; i < _workers.Length; i++)
        {
            int worker = i + 1;
            _workers[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"smol-worker-{worker}" };
            _workers[i].Start();
        }
    }

    public int Size => _workers.Length + 1;

    /// <summary>Calls body(piece, worker) once for every piece in [0, count); worker in [0, Size). Returns when all are done;
    /// the first exception of any piece is thrown here. Not reentrant, one caller at a time.</summary>
    public void For(int count, Action<int, int> body)
    {
        if (count <= 1 || _workers.Length == 0)
        {
            for (int i = 0; i < count; i++)
            {
                body(i, 0);
            }

            return;
        }

        _body = body;
        _count = count;
        _next = 0;
        Volatile.Write(ref _running, _workers.Length);
        StartRegion();
        TakePieces(0);
        SpinWait spin = default;
        while (Volatile.Read(ref _running) != 0)
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }

        _body = null;
        if (Interlocked.Exchange(ref _failure, null) is { } failure)
        {
            throw new InvalidOperationException($"A worker of the forward step failed: {failure.Message}", failure);
        }
    }

    public void Dispose()
    {
        _stopping = true;
        StartRegion();
        foreach (Thread worker in _workers)
        {
            worker.Join();
        }
    }

    private void StartRegion()
    {
        Interlocked.Increment(ref _region);
        if (Volatile.Read(ref _parked) != 0)
        {
            lock (_gate)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    private void Work(int worker)
    {
        int seen = 0;
        while (true)
        {
            WaitForRegion(seen);
            seen = _region;
            if (_stopping)
            {
                return;
            }

            TakePieces(worker);
            Interlocked.Decrement(ref _running);
        }
    }

    private void WaitForRegion(int seen)
    {
        for (int i = 0; i < SpinsBeforeParking && _region == seen; i++)
        {
            Thread.SpinWait(10);
        }

        lock (_gate)
        {
            // announced before the last look: a region started in between sees the count and takes the gate to pulse
            Interlocked.Increment(ref _parked);
            while (_region == seen)
            {
                Monitor.Wait(_gate);
            }

            Interlocked.Decrement(ref _parked);
        }
    }

    private void TakePieces(int worker)
    {
        try
        {
            for (int piece; (piece = Interlocked.Increment(ref _next) - 1) < _count;)
            {
                _body!(piece, worker);
            }
        }
        catch (Exception failure)
        {
            // carried to the caller of For, which throws it
            Interlocked.CompareExchange(ref _failure, failure, null);
            Volatile.Write(ref _next, _count);
        }
    }
}
