namespace SmolCluster.Engine.Text.Templates;

/// <summary>A chat template cannot be parsed or rendered; the message is fit for the person who sent the request.</summary>
public sealed class TemplateException(string message) : Exception(message)
{
    /// <summary>One-based line and column in the template; 0 where the fault is not in its source.</summary>
    public int Line { get; init; }

    /// <inheritdoc cref="Line"/>
    public int Column { get; init; }

    /// <summary>The template itself refused the conversation with raise_exception: the message is its author's, word for word.</summary>
    public bool IsRaisedByTemplate { get; init; }
}
