namespace SmolCluster.Engine.Text.Templates;

/// <summary>Names visible at a place: its own, then those around it. A loop's body has a new scope for each element, which is
/// why only a namespace carries anything from one to the next.</summary>
internal sealed class Scope(Scope? parent, Dictionary<string, Value>? values = null)
{
    private Dictionary<string, Value>? own = values;

    public void Set(string name, Value value) => (own ??= new(StringComparer.Ordinal))[name] = value;

    public Value? Find(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope.own is { } values && values.TryGetValue(name, out Value? value))
                return value;
        }
        return null;
    }

    private Scope? Parent => parent;
}
