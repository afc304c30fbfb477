using System.Runtime.InteropServices;

namespace SmolCluster.Engine.Kernels;

/// <summary>
/// What a thread will read after the region that is open or comes next: two streams of weights, which it asks of the memory while it
/// would else wait. One thread says where they begin, another asks, without a lock: seeing one call's addresses with another's number,
/// it asks for lines twice or for some that nobody needs, which may be no memory of ours. That costs time and nothing else.
/// <para>Measured on the 3B shape, one token, two cores: a step is 1.4 % shorter in the median, 2 % at best; the memory rested for 2 %
/// of it.</para>
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal unsafe struct ReadAhead
{
    /// <summary>Of each stream at most: both are a quarter of a second-level cache, and what one core reads in 20 µs.</summary>
    private const long MostBytes = 1 << 17;

    private const int BytesAtOnce = 256;

    [FieldOffset(0)] private byte* _first;
    [FieldOffset(8)] private byte* _second;
    [FieldOffset(16)] private long _bytes;
    [FieldOffset(24)] private long _number;
    [FieldOffset(128)] private long _numberSeen; // these two by the thread that asks, on lines of its own
    [FieldOffset(136)] private long _asked;

    public void Begin(byte* first, byte* second, long bytes)
    {
        _first = first;
        _second = second;
        _bytes = Math.Min(bytes, MostBytes);
        Volatile.Write(ref _number, _number + 1);
    }

    /// <summary>Asks for some lines of both.</summary>
    /// <returns>False: all has been asked for.</returns>
    public bool TryAsk()
    {
        long number = Volatile.Read(ref _number);
        if (number != _numberSeen)
        {
            (_numberSeen, _asked) = (number, 0);
        }

        if (_asked >= _bytes)
        {
            return false;
        }

        Prefetch.Far(_first + _asked, BytesAtOnce);
        Prefetch.Far(_second + _asked, BytesAtOnce);
        _asked += BytesAtOnce;
        return true;
    }
}
