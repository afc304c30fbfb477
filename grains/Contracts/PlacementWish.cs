namespace SmolCluster.Contracts;

/// <summary>What the placement of a conversation depends on; travels in the request context, because a conversation has to be
/// placed before its request can be read.</summary>
public static class PlacementWish
{
    private const string ModelKey = "smolcluster.model";
    private const string PrefixKey = "smolcluster.prefix";

    /// <summary>Holds for the calls that the current method makes from here on.</summary>
    /// <param name="prefix">The same for requests that begin alike: they go where the beginning is cached. Null: anywhere.</param>
    public static void Set(string model, string? prefix)
    {
        RequestContext.Set(ModelKey, model);
        if (prefix is not null) RequestContext.Set(PrefixKey, prefix);
        else RequestContext.Remove(PrefixKey);
    }

    /// <returns>Nulls: nobody wished for anything.</returns>
    public static (string? Model, string? Prefix) Read(IReadOnlyDictionary<string, object>? context) =>
        (context?.GetValueOrDefault(ModelKey) as string, context?.GetValueOrDefault(PrefixKey) as string);
}
