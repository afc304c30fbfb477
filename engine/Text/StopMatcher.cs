namespace SmolCluster.Engine.Text;

/// <summary>Cuts streamed text before the first stop string. Text that may be the beginning of a stop string is held back.</summary>
public sealed class StopMatcher(IReadOnlyList<string> stops)
{
    private readonly IReadOnlyList<string> _stops = stops;

    /// <summary>True once a stop string was found; nothing more is emitted after.</summary>
    public bool Stopped => throw new NotImplementedException();

    /// <summary>The text that can be shown now.</summary>
    public string Append(string text) => throw new NotImplementedException(_stops.ToString());

    /// <summary>What was held back, when the stream ends without a stop string.</summary>
    public string Flush() => throw new NotImplementedException();
}
