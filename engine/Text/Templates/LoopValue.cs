namespace SmolCluster.Engine.Text.Templates;

/// <summary><c>loop</c> inside a for: where the iteration stands.</summary>
/// <param name="recurse">Renders the loop's body over other items, in a recursive loop.</param>
internal sealed class LoopValue(IReadOnlyList<Value> items, int depth, Func<Value, int, Value>? recurse, Rendering rendering) : Value
{
    private IReadOnlyList<Value>? lastChanged;

    /// <summary>The current element, from zero.</summary>
    public int Index { get; set; }

    public int Length => items.Count;

    public override string TypeName => "a loop";

    public Value? Member(string name) => name switch
    {
        "index" => new IntegerValue(Index + 1),
        "index0" => new IntegerValue(Index),
        "revindex" => new IntegerValue(Length - Index),
        "revindex0" => new IntegerValue(Length - Index - 1),
        "first" => BooleanValue.Of(Index == 0),
        "last" => BooleanValue.Of(Index == Length - 1),
        "length" => new IntegerValue(Length),
        "depth" => new IntegerValue(depth + 1),
        "depth0" => new IntegerValue(depth),
        "previtem" => Index > 0 ? items[Index - 1] : new UndefinedValue("the first element has none before it"),
        "nextitem" => Index + 1 < Length ? items[Index + 1] : new UndefinedValue("the last element has none after it"),
        "cycle" => new CallableValue("cycle", Cycle),
        "changed" => new CallableValue("changed", Changed),
        _ => null,
    };

    public Value Invoke(Arguments arguments) => recurse is null
        ? throw new TemplateFault("only a loop with 'recursive' can be called")
        : recurse(arguments.Require("loop", 1, "items")[0], depth + 1);

    private Value Cycle(Arguments arguments) => arguments.Positional.Count == 0
        ? throw new TemplateFault("'cycle' needs values")
        : arguments.Positional[Index % arguments.Positional.Count];

    private BooleanValue Changed(Arguments arguments)
    {
        bool isSame = lastChanged is { } last && Operators.AreEqual(rendering, new ListValue(last), new ListValue(arguments.Positional));
        lastChanged = arguments.Positional;
        return BooleanValue.Of(!isSame);
    }
}
