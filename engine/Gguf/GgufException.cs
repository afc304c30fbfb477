namespace SmolCluster.Engine.Gguf;

/// <summary>A GGUF file cannot be used. The message names the file, the place in it, what was expected and what was found.</summary>
public sealed class GgufException(string message) : Exception(message);
