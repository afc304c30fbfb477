using System.Runtime.InteropServices;

namespace SmolCluster.Engine.Kernels;

/// <summary>
/// Fork and join over dedicated threads: the caller and its workers take numbered pieces of work until none is left. Pieces
/// write to disjoint places and no result is combined across threads, so who took which piece cannot show in the result.
/// They are taken in runs, long at first and of one piece at the end: rows that follow each other in memory are asked of it ahead, and
/// what one thread asks for must not be another's.
/// <para>A region ends when its pieces are done, not when every worker has seen it: where other processes hold a worker off its
/// core, the caller computes its pieces as well and waits for nothing but a run in the midst of which a worker was stopped.
/// Workers spin for some tens of microseconds between two regions of a forward step and park when none follows: an idle team takes
/// no processor time. A thread that waits asks the memory for what it was told to <see cref="Expect"/>: the memory works on while one
/// thread normalizes or quantizes what the next matrix is multiplied with.</para>
/// Dedicated threads because spinning on the thread pool starves Orleans' own turns.
/// </summary>
public sealed unsafe class ThreadTeam : IDisposable
{
    /// <summary>Pieces of a region at most.</summary>
    public const int MostPieces = (1 << NextBits) - 1;

    private const int NextBits = 24, CountBits = 24;
    private const int RunsAhead = 2; // runs of the present length that each thread could still take
    private const int SpinsBeforeParking = 1000, SpinsBeforeYielding = 200, SpinLength = 2; // a spin takes about 75 ns

    private readonly Thread[] _workers;
    private readonly ReadAhead[] _ahead; // one a thread
    private readonly object _gate = new();
    private readonly bool _pinned;
    private Action<int, int>? _body;
    private Exception? _failure;
    private volatile bool _stopping;
    private Shared _shared;

    /// <param name="size">Threads at work in a region, the caller included; at least 1.</param>
    /// <param name="pinned">Each worker stays on one processor of those that the process may use, where the system can do that.
    /// For machines that do nothing else: whoever else runs on that processor cannot be evaded.</param>
    public ThreadTeam(int size, bool pinned = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        _pinned = pinned;
        _workers = new Thread[size - 1];
        _ahead = new ReadAhead[size];
        for (int i = 0; i < _workers.Length; i++)
        {
            int worker = i + 1;
            _workers[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"smol-worker-{worker}" };
            _workers[i].Start();
        }
    }

    public int Size => _workers.Length + 1;

    /// <summary>Where the team is pinned, pins the thread that will call <see cref="For"/> as well.</summary>
    public void PinCaller()
    {
        if (_pinned)
        {
            ProcessorPin.TryPin(0);
        }
    }

    /// <summary>Calls body(piece, worker) once for every piece in [0, count); worker in [0, Size). Returns when all are done;
    /// the first exception of any piece is thrown here, and pieces not begun by then are left out. Not reentrant, one caller at
    /// a time.</summary>
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

        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, MostPieces);
        _body = body;
        _shared.Done = 0;
        int run = Run(count);
        Open(count, run); // its first run is the caller's
        Compute(0, run, 0);
        TakePieces(0);
        WaitForPieces(count);
        _body = null;
        if (Interlocked.Exchange(ref _failure, null) is { } failure)
        {
            throw new InvalidOperationException($"A worker of the forward step failed: {failure.Message}", failure);
        }
    }

    public void Dispose()
    {
        _stopping = true;
        Open(0, 0);
        foreach (Thread worker in _workers)
        {
            worker.Join();
        }
    }

    /// <summary>How many pieces a thread takes at once where so many are left. All coming at once and in order, the caller begins with
    /// the first run of a region, the first worker with the second, and so on.</summary>
    internal int Run(int left) => Math.Max(1, left / (RunsAhead * Size));

    /// <summary>Tells a worker what it will read in a region after the next one: two streams of as many bytes. It asks the memory for
    /// their beginning where it would else wait. For the caller of <see cref="For"/>, between regions.</summary>
    internal void Expect(int worker, byte* first, byte* second, long bytes) => _ahead[worker].Begin(first, second, bytes);

    private void Open(int count, int taken)
    {
        Interlocked.Exchange(ref _shared.Region, Region.Opened(Volatile.Read(ref _shared.Region), count) + taken);
        if (Volatile.Read(ref _shared.Parked) != 0)
        {
            lock (_gate)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    private void WaitForPieces(int count)
    {
        for (int i = 0; Volatile.Read(ref _shared.Done) != count; i++)
        {
            if (i < SpinsBeforeYielding)
            {
                AskOrSpin(0);
            }
            else
            {
                Thread.Yield(); // the worker may be waiting for this core
            }
        }
    }

    private void Work(int worker)
    {
        if (_pinned)
        {
            ProcessorPin.TryPin(worker);
        }

        long seen = 0;
        while (!_stopping)
        {
            seen = WaitForRegion(seen, worker);
            TakePieces(worker);
        }
    }

    private long WaitForRegion(long seen, int worker)
    {
        for (int i = 0; i < SpinsBeforeParking; i++)
        {
            long number = Region.Number(Volatile.Read(ref _shared.Region));
            if (number != seen)
            {
                return number;
            }

            AskOrSpin(worker);
        }

        lock (_gate)
        {
            // announced before the last look: a region opened in between sees the count and takes the gate to pulse
            Interlocked.Increment(ref _shared.Parked);
            long number;
            while ((number = Region.Number(Volatile.Read(ref _shared.Region))) == seen && !_stopping)
            {
                Monitor.Wait(_gate);
            }

            Interlocked.Decrement(ref _shared.Parked);
            return number;
        }
    }

    private void AskOrSpin(int worker)
    {
        if (!_ahead[worker].TryAsk())
        {
            Thread.SpinWait(SpinLength);
        }
    }

    // A worker may come late, to a region after the one it saw: region, count and next piece are in one word, so that the pieces
    // taken are of the region that is open now, and that one stays open, its body in place, until they are counted as done.
    private void TakePieces(int worker)
    {
        while (true)
        {
            long region = Volatile.Read(ref _shared.Region);
            int next = Region.Next(region), left = Region.Count(region) - next, run = Run(left);
            if (left == 0)
            {
                return;
            }

            if (Interlocked.CompareExchange(ref _shared.Region, region + run, region) != region)
            {
                continue;
            }

            Compute(next, run, worker);
        }
    }

    private void Compute(int first, int count, int worker)
    {
        try
        {
            for (int piece = first; piece < first + count && Volatile.Read(ref _failure) is null; piece++)
            {
                _body!(piece, worker);
            }
        }
        catch (Exception failure)
        {
            // carried to the caller of For, which throws it
            Interlocked.CompareExchange(ref _failure, failure, null);
        }

        Interlocked.Add(ref _shared.Done, count);
    }

    /// <summary>A region in a word: its number (16 bits, going round), how many pieces it has, and the next one to take.</summary>
    private static class Region
    {
        private const long Mask = (1 << NextBits) - 1;

        public static long Opened(long before, int count) => (before >>> (NextBits + CountBits)) + 1 << (NextBits + CountBits) | (long)count << NextBits;

        public static long Number(long region) => region >>> (NextBits + CountBits);

        public static int Count(long region) => (int)(region >> NextBits & Mask);

        public static int Next(long region) => (int)(region & Mask);
    }

    /// <summary>What threads write at the same time, each on cache lines of its own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 512)]
    private struct Shared
    {
        [FieldOffset(128)] public long Region;
        [FieldOffset(256)] public int Done;
        [FieldOffset(384)] public int Parked;
    }
}
