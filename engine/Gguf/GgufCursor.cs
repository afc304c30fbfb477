using System.Runtime.CompilerServices;
using System.Text;

namespace SmolCluster.Engine.Gguf;

/// <summary>Reads forward over a mapped file; every read is checked against the bytes left, so no count or length in the
/// file can lead outside the mapping. <c>what</c> names the thing read, for messages only, and is never built on the way.</summary>
internal sealed unsafe class GgufCursor(byte* start, long length, string path, long position = 0)
{
    /// <summary>Strict: a vocabulary with broken UTF-8 would tokenize wrongly and silently.</summary>
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public long Position { get; private set; } = position;

    public long Remaining => length - Position;

    public T Read<T>(string what, string? of = null) where T : unmanaged
    {
        Need((ulong)sizeof(T), what, of);
        T value = Unsafe.ReadUnaligned<T>(start + Position);
        Position += sizeof(T);
        return value;
    }

    /// <summary>A count of things that take at least <paramref name="minimalBytes"/> each, checked before anything is allocated for
    /// them.</summary>
    public long ReadCount(int minimalBytes, string what, string? of = null)
    {
        long at = Position;
        ulong count = Read<ulong>(what, of);
        if (count > (ulong)(Remaining / minimalBytes))
        {
            throw Fail(at, $"{Name(what, of)} is {count}, which would take at least {minimalBytes} bytes each, but only "
                + $"{Remaining} bytes are left. The file is damaged or cut short; download it again.");
        }

        return (long)count;
    }

    /// <summary>A length-prefixed string.</summary>
    public string ReadText(int maximumBytes, string what, string? of = null)
    {
        long at = Position;
        long bytes = ReadCount(1, what, of);
        if (bytes > maximumBytes)
            throw Fail(at, $"{Name(what, of)} is {bytes} bytes long; at most {maximumBytes} are accepted. The file is damaged.");
        var span = new ReadOnlySpan<byte>(start + Position, (int)bytes);
        Position += bytes;
        try
        {
            return Utf8.GetString(span);
        }
        catch (DecoderFallbackException)
        {
            throw Fail(at, $"{Name(what, of)} is not valid UTF-8 ({Convert.ToHexString(span[..Math.Min(16, span.Length)])}…). "
                + "GGUF strings must be; the file is damaged or its converter was wrong.");
        }
    }

    public void Skip(long bytes, string what, string? of = null)
    {
        Need((ulong)bytes, what, of);
        Position += bytes;
    }

    /// <summary>Steps over <paramref name="count"/> length-prefixed strings without decoding them.</summary>
    public void SkipTexts(long count, string what, string? of = null)
    {
        for (long i = 0; i < count; i++)
            Skip(ReadCount(1, what, of), what, of);
    }

    /// <summary>Names from the file stand in messages: bounded, and without characters that steer a terminal.</summary>
    public GgufException Fail(long at, string message) => new($"{path}: at byte {at}: {GgufText.Clean(message, 4000)}");

    private void Need(ulong bytes, string what, string? of)
    {
        if (bytes > (ulong)Remaining)
        {
            throw Fail(Position, $"{Name(what, of)} takes {bytes} bytes, but the file ends after {Remaining} more ({length} in all). "
                + "It is cut short; download it again.");
        }
    }

    private static string Name(string what, string? of) => of is null ? what : $"{what} of '{of}'";
}
