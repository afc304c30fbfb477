namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>What an answer must keep to, as a person wrote it.</summary>
/// <param name="Text">Of a schema, regular expression or grammar; for <see cref="ConstraintKind.Choice"/> a JSON array of strings; for
/// <see cref="ConstraintKind.ToolCalls"/> what <c>ToolCallGrammar</c> says; for <see cref="ConstraintKind.Json"/> empty.</param>
public sealed record ConstraintSource(ConstraintKind Kind, string Text);

/// <summary>The languages of constraints.</summary>
public enum ConstraintKind
{
    /// <summary>Any JSON object.</summary>
    Json,
    /// <summary>JSON by a schema.</summary>
    JsonSchema,
    /// <summary>A regular expression that the whole answer matches.</summary>
    Regex,
    /// <summary>A grammar in llama.cpp's GBNF.</summary>
    Grammar,
    /// <summary>One of a list of texts.</summary>
    Choice,
    /// <summary>Text with calls of tools, or calls alone.</summary>
    ToolCalls,
}

/// <summary>Whether an answer begins with a model's thinking, which no constraint limits.</summary>
public enum Thinking
{
    /// <summary>It does not.</summary>
    None,
    /// <summary>It may, if the model writes &lt;think&gt; first.</summary>
    Possible,
    /// <summary>The prompt has opened it.</summary>
    Begun,
}
