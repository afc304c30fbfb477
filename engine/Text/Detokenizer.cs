namespace SmolCluster.Engine.Text;

/// <summary>Turns a stream of tokens' bytes into text without ever splitting a character: an unfinished UTF-8 sequence is
/// held back until its last byte arrives.</summary>
public sealed class Detokenizer
{
    /// <summary>The text that became complete with these bytes; may be empty.</summary>
    public string Append(ReadOnlySpan<byte> bytes) => throw new NotImplementedException();

    /// <summary>What is still held back at the stream's end (an unfinished sequence becomes one U+FFFD); empties the buffer.</summary>
    public string Flush() => throw new NotImplementedException();
}
