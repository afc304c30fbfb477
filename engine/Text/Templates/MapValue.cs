using System.Numerics;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>A mapping that keeps the order its keys came in, as Python's does. Keys are texts, numbers, booleans or none;
/// numbers that are equal are one key. Where a key's text came from plays no part in look-ups.</summary>
internal sealed class MapValue : Value
{
    private readonly List<KeyValuePair<Value, Value>> entries = [];
    private readonly Dictionary<object, int> indices = [];
    private int depth = 1;

    public IReadOnlyList<KeyValuePair<Value, Value>> Entries => entries;

    public int Count => entries.Count;

    public override string TypeName => "a mapping";

    public override bool IsTrue => entries.Count > 0;

    public override int Depth => depth;

    /// <summary>Only while the mapping is being built: once a template can see it, it does not change.</summary>
    public MapValue Set(Value key, Value value)
    {
        depth = Math.Max(depth, DepthAbove(value.Depth));
        object identity = Identity(key) ?? throw new TemplateFault($"{key.TypeName} cannot be a mapping's key");
        if (indices.TryGetValue(identity, out int index))
            entries[index] = new(entries[index].Key, value);
        else
        {
            indices.Add(identity, entries.Count);
            entries.Add(new(key, value));
        }
        return this;
    }

    public Value? Find(Value key) =>
        Identity(key) is { } identity && indices.TryGetValue(identity, out int index) ? entries[index].Value : null;

    public Value? Find(string key) => indices.TryGetValue(key, out int index) ? entries[index].Value : null;

    /// <summary>What two equal keys share; null for what cannot be a key.</summary>
    public static object? Identity(Value key) => key switch
    {
        TextValue text => text.Content,
        IntegerValue integer => integer.Number,
        BooleanValue boolean => boolean.IsTrue ? BigInteger.One : BigInteger.Zero,
        FloatValue number when double.IsInteger(number.Number) => new BigInteger(number.Number),
        FloatValue number => number.Number,
        NoneValue => NoneValue.Instance,
        _ => null,
    };
}
