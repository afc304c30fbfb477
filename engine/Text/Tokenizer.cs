using SmolCluster.Engine.Gguf;

namespace SmolCluster.Engine.Text;

/// <summary>Text to token ids and back, from the vocabulary in a GGUF file. Immutable and thread-safe.</summary>
public sealed class Tokenizer
{
    /// <exception cref="GgufException">A key is missing or odd, or the tokenizer or pre-tokenizer is not one this engine knows.</exception>
    public static Tokenizer From(GgufFile file) => throw new NotImplementedException();

    public int VocabularyLength => throw new NotImplementedException();

    /// <summary>Null where the file names none.</summary>
    public int? BeginOfText => throw new NotImplementedException();

    /// <summary>Whether the model expects <see cref="BeginOfText"/> in front of plain text (never of a chat template).</summary>
    public bool AddsBeginOfText => throw new NotImplementedException();

    /// <summary>Tokens that end an answer: the file's eos / eot, and others known by name such as &lt;|im_end|&gt;.</summary>
    public IReadOnlySet<int> EndOfGeneration => throw new NotImplementedException();

    /// <summary>Plain text; special tokens are parsed only when <paramref name="parseSpecial"/>. No begin-of-text is added.</summary>
    public int[] Encode(string text, bool parseSpecial = false) => throw new NotImplementedException();

    /// <summary>A rendered prompt: special tokens are parsed only within scaffold segments; text between special tokens is
    /// split and merged across segment borders as if it were one string.</summary>
    public int[] Encode(IReadOnlyList<PromptSegment> prompt) => throw new NotImplementedException();

    /// <summary>The raw bytes of a token, possibly a part of a UTF-8 character; a special token's bytes are its name.</summary>
    public ReadOnlySpan<byte> Bytes(int token) => throw new NotImplementedException();

    /// <summary>Control tokens are not shown to people.</summary>
    public bool IsControl(int token) => throw new NotImplementedException();

    /// <summary>All tokens to text; control tokens are shown only when <paramref name="showControl"/>; bytes that are no UTF-8 become U+FFFD.</summary>
    public string Decode(ReadOnlySpan<int> tokens, bool showControl = false) => throw new NotImplementedException();
}
