namespace SmolCluster.Engine.Text.Templates;

internal sealed partial class Interpreter
{
    private Value EvaluateCall(Call call, Scope scope, Value? caller = null)
    {
        Value callee = Evaluate(call.Callee, scope);
        Arguments arguments = EvaluateArguments(call.Arguments, scope);
        if (caller is not null)
            arguments = new Arguments(arguments.Positional, [.. arguments.Named, new("caller", caller)]);
        position = call.Position;
        return callee switch
        {
            CallableValue function => function.Invoke(arguments),
            LoopValue loop => loop.Invoke(arguments),
            _ => throw new TemplateFault($"{Coerce.Name(callee)} cannot be called"),
        };
    }

    private Value ExecuteCallBlock(CallBlock block, Scope scope)
    {
        Value caller = Macro("caller", block.Signature, block.Body, scope);
        return EvaluateCall(block.Call, scope, caller);
    }

    private Arguments EvaluateArguments(ArgumentList list, Scope scope)
    {
        if (ReferenceEquals(list, ArgumentList.Empty))
            return Arguments.None;
        var positional = new List<Value>();
        foreach ((Expression expression, bool isSpread) in list.Positional)
        {
            Value value = Evaluate(expression, scope);
            if (isSpread)
                positional.AddRange(Coerce.ToItems(rendering, value));
            else
                positional.Add(value);
        }
        var named = new List<KeyValuePair<string, Value>>();
        foreach ((string? name, Expression expression) in list.Named)
        {
            Value value = Evaluate(expression, scope);
            if (name is null)
                Spread(value, named);
            else
                named.Add(new(name, value));
        }
        return new Arguments(positional, named);
    }

    private static void Spread(Value value, List<KeyValuePair<string, Value>> named)
    {
        if (value is not MapValue map)
            throw new TemplateFault($"'**' needs a mapping, not {Coerce.Name(value)}");
        foreach ((Value key, Value item) in map.Entries)
            named.Add(new(Coerce.ToText(key, "an argument's name").Content, item));
    }

    private Value ApplyFilter(FilterCall filter, Value input, Scope scope)
    {
        Arguments arguments = EvaluateArguments(filter.Arguments, scope);
        position = filter.Position;
        return Filters.Apply(this, filter.Name, input, arguments);
    }

    private Value ApplyFilters(FilterCall[] filters, Value value, Scope scope)
    {
        foreach (FilterCall filter in filters)
            value = ApplyFilter(filter, value, scope);
        return value;
    }

    /// <summary>A macro sees the names around its definition, as they are when it is called.</summary>
    private CallableValue Macro(string name, MacroSignature signature, Statement[] body, Scope scope) => new(name, arguments =>
    {
        var inner = new Scope(scope);
        BindParameters(name, signature, arguments, inner);
        return Capture(body, inner);
    });

    private void BindParameters(string name, MacroSignature signature, Arguments arguments, Scope inner)
    {
        int count = signature.Parameters.Length;
        if (arguments.Positional.Count > count && !signature.TakesMorePositional)
            throw new TemplateFault($"macro '{name}' takes at most {count} arguments, not {arguments.Positional.Count}");
        for (int i = 0; i < count; i++)
        {
            (string parameter, Expression? fallback) = signature.Parameters[i];
            Value? given = i < arguments.Positional.Count ? arguments.Positional[i] : arguments.Find(parameter);
            inner.Set(parameter, given ?? (fallback is null ? new UndefinedValue($"parameter '{parameter}' was not given") : Evaluate(fallback, inner)));
        }
        inner.Set("varargs", new ListValue([.. arguments.Positional.Skip(count)], isTuple: true));
        BindSurplusNames(name, signature, arguments, inner);
    }

    private static void BindSurplusNames(string name, MacroSignature signature, Arguments arguments, Scope inner)
    {
        var surplus = new MapValue();
        foreach ((string argument, Value value) in arguments.Named)
        {
            if (argument == "caller")
                inner.Set(argument, value);
            else if (!signature.Parameters.Any(parameter => parameter.Name == argument))
                // '**' may have brought a name from the request
                surplus.Set(new TextValue(argument, isScaffold: false), value);
        }
        if (surplus.Count > 0 && !signature.TakesMoreNamed)
            throw new TemplateFault($"macro '{name}' has no parameter '{((TextValue)surplus.Entries[0].Key).Content}'");
        inner.Set("kwargs", surplus);
    }
}
