using System.Text;

namespace SmolCluster.Engine.Text;

/// <summary>Turns a stream of tokens' bytes into text without ever splitting a character: an unfinished UTF-8 sequence is
/// held back until its last byte arrives. However the bytes are cut, the parts joined are what
/// <see cref="Encoding.UTF8"/> makes of the whole: bytes that are no UTF-8 become U+FFFD, one for each longest beginning of
/// a character (the WHATWG rule). One instance serves one stream; not thread-safe.</summary>
public sealed class Detokenizer
{
    // the BCL's decoder keeps at most three bytes of state and follows the same replacement rule as GetString
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    /// <summary>The text that became complete with these bytes; may be empty.</summary>
    public string Append(ReadOnlySpan<byte> bytes) => Decode(bytes, flush: false);

    /// <summary>What is still held back at the stream's end (an unfinished sequence becomes one U+FFFD); empties the buffer.</summary>
    public string Flush() => Decode([], flush: true);

    private string Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        int length = _decoder.GetCharCount(bytes, flush);
        if (length == 0 && bytes.IsEmpty && !flush) return "";
        char[] chars = new char[length];
        int written = _decoder.GetChars(bytes, chars, flush);
        return new string(chars, 0, written);
    }
}
