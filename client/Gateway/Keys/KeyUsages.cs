using System.Collections.Concurrent;

namespace SmolCluster.Gateway.Keys;

/// <summary>The use of every key that came by. One whose limits have changed begins anew.</summary>
internal sealed class KeyUsages(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, KeyUsage> usages = new(StringComparer.Ordinal);

    public KeyUsage Of(ApiKey key) => usages.AddOrUpdate(key.Id,
        _ => new(key.Limits, time), (_, known) => known.Limits == key.Limits ? known : new(key.Limits, time));

    /// <summary>Each with its key's id.</summary>
    public IEnumerable<(string Key, KeyUsage Usage)> All => usages.Select(each => (each.Key, each.Value));

    /// <summary>Charges the key behind a place in the fair queue, if it is a key's, for tokens of its answers.</summary>
    public void Charge(string user, long tokens)
    {
        if (Caller.KeyIdOf(user) is { } id && usages.TryGetValue(id, out var usage))
            usage.Charge(tokens);
    }
}
