namespace SmolCluster.Engine.Text.Templates;

internal enum TokenKind
{
    Data,
    OutputBegin,
    OutputEnd,
    BlockBegin,
    BlockEnd,
    Name,
    Text,
    Integer,
    Float,
    Operator,
    End,
}

/// <param name="Text">The source's characters; for <see cref="TokenKind.Text"/> the literal's value.</param>
/// <param name="Position">Offset in the source.</param>
internal readonly record struct Token(TokenKind Kind, string Text, int Position)
{
    public bool Is(TokenKind kind, string text) => Kind == kind && Text == text;

    public string Describe() => Kind switch
    {
        TokenKind.End => "the template's end",
        TokenKind.BlockEnd => "'%}'",
        TokenKind.OutputEnd => "'}}'",
        TokenKind.Data => "template text",
        TokenKind.Text => "a text literal",
        _ => $"'{Text}'",
    };
}
