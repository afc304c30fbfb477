using System.Numerics;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>A value of the template language. Values are immutable, but for a namespace's attributes.</summary>
internal abstract class Value
{
    /// <summary>As messages name it.</summary>
    public abstract string TypeName { get; }

    public virtual bool IsTrue => true;

    /// <summary>How many lists and mappings stand inside one another here; never above <see cref="TemplateLimits.ValueDepth"/>.</summary>
    public virtual int Depth => 0;

    protected static int DepthAbove(int inner) => inner < TemplateLimits.ValueDepth
        ? inner + 1
        : throw new TemplateFault($"lists and mappings stand more than {TemplateLimits.ValueDepth} levels inside one another");
}

internal sealed class NoneValue : Value
{
    private NoneValue() { }

    public static NoneValue Instance { get; } = new();

    public override string TypeName => "none";

    public override bool IsTrue => false;
}

/// <summary>A name, attribute or item that is not there: prints nothing, is false and empty, and refuses every other use.</summary>
/// <param name="what">The reason, for the message of that use.</param>
internal sealed class UndefinedValue(string what) : Value
{
    public string What => what;

    public override string TypeName => "undefined";

    public override bool IsTrue => false;
}

internal sealed class BooleanValue : Value
{
    private BooleanValue() { }

    public static BooleanValue True { get; } = new();

    public static BooleanValue False { get; } = new();

    public static BooleanValue Of(bool value) => value ? True : False;

    public override string TypeName => "a boolean";

    public override bool IsTrue => this == True;
}

internal sealed class IntegerValue : Value
{
    public IntegerValue(BigInteger value)
    {
        if (value.GetBitLength() > TemplateLimits.IntegerBits)
            throw new TemplateFault($"an integer takes more than {TemplateLimits.IntegerBits} bits");
        Number = value;
    }

    public BigInteger Number { get; }

    public override string TypeName => "an integer";

    public override bool IsTrue => !Number.IsZero;
}

internal sealed class FloatValue(double number) : Value
{
    public double Number => number;

    public override string TypeName => "a float";

    public override bool IsTrue => number != 0;
}

/// <summary>A list, or a tuple where Python would print and compare it as one.</summary>
internal sealed class ListValue : Value
{
    public ListValue(IReadOnlyList<Value> items, bool isTuple = false)
    {
        int inner = 0;
        foreach (Value item in items)
            inner = Math.Max(inner, item.Depth);
        Depth = DepthAbove(inner);
        (Items, IsTuple) = (items, isTuple);
    }

    public IReadOnlyList<Value> Items { get; }

    public bool IsTuple { get; }

    public override string TypeName => IsTuple ? "a tuple" : "a list";

    public override bool IsTrue => Items.Count > 0;

    public override int Depth { get; }
}

/// <summary><c>namespace()</c>: the one thing a loop's body can change for those after it. Compared by identity and printed
/// without its content, so it may hold itself.</summary>
internal sealed class NamespaceValue : Value
{
    public Dictionary<string, Value> Attributes { get; } = new(StringComparer.Ordinal);

    public override string TypeName => "a namespace";
}

/// <summary>A macro, a method bound to its value, or a global function.</summary>
internal sealed class CallableValue(string name, Func<Arguments, Value> function) : Value
{
    public string Name => name;

    public override string TypeName => "a function";

    public Value Invoke(Arguments arguments) => function(arguments);
}
