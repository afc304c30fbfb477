namespace SmolCluster.Engine.Text;

/// <summary>A run of rendered prompt text and where it came from. Only <paramref name="IsScaffold"/> text, written by the
/// template's author, may become special tokens; what a person or a tool sent never does.</summary>
public readonly record struct PromptSegment(string Text, bool IsScaffold);
