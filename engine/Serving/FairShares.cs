namespace SmolCluster.Engine.Serving;

/// <summary>Tokens computed for each user who is served or waits, divided by the user's weight. Who comes back starts level with the least served of those
/// present: absence earns no credit and no debt.</summary>
internal sealed class FairShares
{
    private readonly Dictionary<string, double> _tokens = [];

    public double Of(string user) => _tokens.GetValueOrDefault(user);

    public void Count(string user, double tokens) => _tokens[user] = Of(user) + tokens;

    /// <summary>Forgets those who are not there, and takes in those who are new.</summary>
    public void Keep(IReadOnlySet<string> present)
    {
        foreach (string absent in _tokens.Keys.Where(user => !present.Contains(user)).ToList())
        {
            _tokens.Remove(absent);
        }

        double least = _tokens.Count == 0 ? 0 : _tokens.Values.Min();
        foreach (string user in present)
        {
            _tokens.TryAdd(user, least);
        }
    }
}
