namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>A constraint that cannot be kept to: malformed, not supported, or beyond a bound. The message says what and what to do.</summary>
/// <param name="path">Where in the source, such as <c>.properties.name.pattern</c>; empty: the source as a whole.</param>
public sealed class ConstraintException(string message, string path = "") : Exception(message)
{
    public string Path { get; } = path;
}
