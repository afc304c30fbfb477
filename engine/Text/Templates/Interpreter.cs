using System.Runtime.CompilerServices;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>Walks a parsed template once, for one rendering. It remembers the node whose operation runs, so that a fault deep
/// in a filter is shown at its place in the template; depth and steps are counted at every node.</summary>
internal sealed partial class Interpreter(TemplateSource source, Rendering rendering)
{
    private int depth;
    private int position;
    private TextBuilder output = new(rendering);

    public Rendering Rendering => rendering;

    /// <exception cref="TemplateException">Whatever went wrong, at its line and column.</exception>
    public IReadOnlyList<PromptSegment> Render(Statement[] template, Dictionary<string, Value> context)
    {
        try
        {
            var globals = new Scope(null, Globals.Create(rendering));
            Execute(template, new Scope(new Scope(globals, context)));
            return output.ToSegments();
        }
        catch (TemplateFault fault)
        {
            throw source.Error(position, fault.Message, fault.IsRaisedByTemplate);
        }
    }

    private void Enter(Node node)
    {
        position = node.Position;
        rendering.Charge();
        if (++depth > TemplateLimits.EvaluationDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new TemplateFault($"expressions and calls stand more than {TemplateLimits.EvaluationDepth} levels inside one another");
    }

    private Value Evaluate(Expression expression, Scope scope)
    {
        Enter(expression);
        Value value = EvaluateNode(expression, scope);
        depth--;
        return value;
    }

    private Value EvaluateNode(Expression expression, Scope scope) => expression switch
    {
        Literal literal => literal.Value,
        Name name => scope.Find(name.Identifier) ?? new UndefinedValue($"'{name.Identifier}' is undefined"),
        AttributeAccess access => EvaluateAttribute(access, scope),
        Subscript subscript => EvaluateSubscript(subscript, scope),
        Slice slice => EvaluateSlice(slice, scope),
        Call call => EvaluateCall(call, scope),
        FilterCall filter => ApplyFilter(filter, Evaluate(filter.Target!, scope), scope),
        TestCall test => EvaluateTest(test, scope),
        Comparison comparison => EvaluateComparison(comparison, scope),
        Logical logical => EvaluateLogical(logical, scope),
        Unary unary => EvaluateUnary(unary, scope),
        Binary binary => EvaluateBinary(binary, scope),
        Concatenation concatenation => EvaluateConcatenation(concatenation, scope),
        Conditional conditional => EvaluateConditional(conditional, scope),
        ListLiteral list => EvaluateList(list, scope),
        MapLiteral map => EvaluateMap(map, scope),
        _ => throw new InvalidOperationException($"no meaning for {expression.GetType().Name}"),
    };

    private Value EvaluateAttribute(AttributeAccess access, Scope scope)
    {
        Value target = Evaluate(access.Target, scope);
        position = access.Position;
        return Lookup.Attribute(rendering, target, access.Name);
    }

    private Value EvaluateSubscript(Subscript subscript, Scope scope)
    {
        Value target = Evaluate(subscript.Target, scope);
        Value index = Evaluate(subscript.Index, scope);
        position = subscript.Position;
        return Lookup.Item(rendering, target, index);
    }

    private Value EvaluateSlice(Slice slice, Scope scope)
    {
        Value target = Evaluate(slice.Target, scope);
        Value? start = slice.Start is null ? null : Evaluate(slice.Start, scope);
        Value? stop = slice.Stop is null ? null : Evaluate(slice.Stop, scope);
        Value? step = slice.Step is null ? null : Evaluate(slice.Step, scope);
        position = slice.Position;
        return Lookup.Slice(rendering, target, start, stop, step);
    }

    private BooleanValue EvaluateTest(TestCall test, Scope scope)
    {
        Value target = Evaluate(test.Target, scope);
        Arguments arguments = EvaluateArguments(test.Arguments, scope);
        position = test.Position;
        return BooleanValue.Of(Predicates.Test(rendering, test.Name, target, arguments) != test.IsNegated);
    }

    private BooleanValue EvaluateComparison(Comparison comparison, Scope scope)
    {
        Value left = Evaluate(comparison.First, scope);
        foreach ((string name, Expression operand) in comparison.Links)
        {
            Value right = Evaluate(operand, scope);
            position = comparison.Position;
            if (!Operators.Test(rendering, name, left, right))
                return BooleanValue.False;
            left = right;
        }
        return BooleanValue.True;
    }

    private Value EvaluateLogical(Logical logical, Scope scope)
    {
        Value left = Evaluate(logical.Left, scope);
        return left.IsTrue == logical.IsAnd ? Evaluate(logical.Right, scope) : left;
    }

    private Value EvaluateUnary(Unary unary, Scope scope)
    {
        Value operand = Evaluate(unary.Operand, scope);
        position = unary.Position;
        return unary.Operator switch
        {
            "not" => BooleanValue.Of(!operand.IsTrue),
            "-" => Operators.Negate(operand),
            _ => Operators.Negate(Operators.Negate(operand)),
        };
    }

    private Value EvaluateBinary(Binary binary, Scope scope)
    {
        Value left = Evaluate(binary.Left, scope);
        Value right = Evaluate(binary.Right, scope);
        position = binary.Position;
        return Arithmetic.Apply(rendering, binary.Operator, left, right);
    }

    private TextValue EvaluateConcatenation(Concatenation concatenation, Scope scope)
    {
        var builder = new TextBuilder(rendering);
        foreach (Expression part in concatenation.Parts)
        {
            Value value = Evaluate(part, scope);
            position = concatenation.Position;
            builder.Append(Display.Of(rendering, value));
        }
        return builder.ToText();
    }

    private Value EvaluateConditional(Conditional conditional, Scope scope)
    {
        if (Evaluate(conditional.Test, scope).IsTrue)
            return Evaluate(conditional.Then, scope);
        return conditional.Else is null
            ? new UndefinedValue("the condition is false and there is no 'else'")
            : Evaluate(conditional.Else, scope);
    }

    private ListValue EvaluateList(ListLiteral list, Scope scope)
    {
        var items = new Value[list.Items.Length];
        for (int i = 0; i < items.Length; i++)
            items[i] = Evaluate(list.Items[i], scope);
        return new ListValue(items, list.IsTuple);
    }

    private MapValue EvaluateMap(MapLiteral literal, Scope scope)
    {
        var map = new MapValue();
        foreach ((Expression key, Expression value) in literal.Entries)
            map.Set(Evaluate(key, scope), Evaluate(value, scope));
        return map;
    }
}
