namespace SmolCluster.Engine.Text;

/// <summary>The numbers of <c>tokenizer.ggml.token_type</c>. Normal tokens are written in the byte alphabet and made by
/// merging; the others are plain text and are found only where special tokens are parsed.</summary>
internal enum TokenType : byte
{
    Normal = 1,
    Unknown = 2,
    /// <summary>Structure such as &lt;|im_end|&gt;: not shown to people.</summary>
    Control = 3,
    /// <summary>Added by the model's authors but visible, such as &lt;think&gt;.</summary>
    UserDefined = 4,
    Unused = 5,
    /// <summary>One byte, written &lt;0x0A&gt;: only in SentencePiece vocabularies.</summary>
    Byte = 6,
}
