namespace SmolCluster.Engine.Text.Templates;

internal sealed partial class Interpreter
{
    private Flow Execute(Statement[] body, Scope scope)
    {
        foreach (Statement statement in body)
        {
            Enter(statement);
            Flow flow = ExecuteNode(statement, scope);
            depth--;
            if (flow != Flow.Next)
                return flow;
        }
        return Flow.Next;
    }

    private Flow ExecuteNode(Statement statement, Scope scope)
    {
        switch (statement)
        {
            case Data data:
                output.Append(data.Text);
                return Flow.Next;
            case Output print:
                Value printed = Evaluate(print.Value, scope);
                position = print.Position;
                output.Append(Display.Of(rendering, printed));
                return Flow.Next;
            case If branches:
                return ExecuteIf(branches, scope);
            case For loop:
                return ExecuteFor(loop, scope);
            case Set set:
                Value value = Evaluate(set.Value, scope);
                Assign(set.Target, value, scope);
                return Flow.Next;
            case SetBlock set:
                Assign(set.Target, ApplyFilters(set.Filters, Capture(set.Body, new Scope(scope)), scope), scope);
                return Flow.Next;
            case FilterBlock block:
                output.Append(Display.Of(rendering, ApplyFilters(block.Filters, Capture(block.Body, new Scope(scope)), scope)));
                return Flow.Next;
            case Scoped scoped:
                return ExecuteScoped(scoped, scope);
            case MacroDefinition macro:
                scope.Set(macro.Name, Macro(macro.Name, macro.Signature, macro.Body, scope));
                return Flow.Next;
            case CallBlock block:
                output.Append(Display.Of(rendering, ExecuteCallBlock(block, scope)));
                return Flow.Next;
            case LoopControl control:
                return control.Flow;
            default:
                throw new InvalidOperationException($"no meaning for {statement.GetType().Name}");
        }
    }

    private Flow ExecuteIf(If branches, Scope scope)
    {
        foreach ((Expression test, Statement[] body) in branches.Branches)
        {
            if (Evaluate(test, scope).IsTrue)
                return Execute(body, scope);
        }
        return Execute(branches.Else, scope);
    }

    private Flow ExecuteScoped(Scoped scoped, Scope scope)
    {
        var inner = new Scope(scope);
        foreach ((AssignmentTarget target, Expression value) in scoped.Assignments)
            Assign(target, Evaluate(value, scope), inner);
        return Execute(scoped.Body, inner);
    }

    private Flow ExecuteFor(For loop, Scope scope)
    {
        Value items = Evaluate(loop.Items, scope);
        Iterate(loop, items, scope, 0);
        return Flow.Next;
    }

    private void Iterate(For loop, Value value, Scope scope, int level)
    {
        position = loop.Items.Position;
        IReadOnlyList<Value> items = Coerce.ToItems(rendering, value);
        if (loop.Filter is not null)
            items = [.. items.Where(item => Evaluate(loop.Filter, Bind(loop, item, scope)).IsTrue)];
        Func<Value, int, Value>? recurse = loop.IsRecursive ? (inner, next) => Recurse(loop, inner, scope, next) : null;
        var state = new LoopValue(items, level, recurse, rendering);
        for (int i = 0; i < items.Count; i++)
        {
            rendering.Charge();
            state.Index = i;
            Scope body = Bind(loop, items[i], scope);
            body.Set("loop", state);
            if (Execute(loop.Body, body) == Flow.Break)
                break;
        }
        if (items.Count == 0)
            Execute(loop.Else, new Scope(scope));
    }

    private Scope Bind(For loop, Value item, Scope scope)
    {
        var inner = new Scope(scope);
        Assign(loop.Target, item, inner);
        return inner;
    }

    private TextValue Recurse(For loop, Value items, Scope scope, int level)
    {
        TextBuilder outer = output;
        output = new TextBuilder(rendering);
        depth++;
        Iterate(loop, items, scope, level);
        depth--;
        TextValue text = output.ToText();
        output = outer;
        return text;
    }

    private TextValue Capture(Statement[] body, Scope scope)
    {
        TextBuilder outer = output;
        output = new TextBuilder(rendering);
        Execute(body, scope);
        TextValue text = output.ToText();
        output = outer;
        return text;
    }

    private void Assign(AssignmentTarget target, Value value, Scope scope)
    {
        position = target.Position;
        switch (target)
        {
            case NameTarget name:
                scope.Set(name.Name, value);
                break;
            case NamespaceTarget attribute:
                if (scope.Find(attribute.Name) is not NamespaceValue space)
                    throw new TemplateFault($"'{attribute.Name}' is no namespace, so '{attribute.Name}.{attribute.Attribute}' cannot be set");
                space.Attributes[attribute.Attribute] = value;
                break;
            case TupleTarget tuple:
                Unpack(tuple, value, scope);
                break;
        }
    }

    private void Unpack(TupleTarget tuple, Value value, Scope scope)
    {
        IReadOnlyList<Value> items = Coerce.ToItems(rendering, value);
        if (items.Count != tuple.Targets.Length)
            throw new TemplateFault($"{items.Count} values cannot be unpacked into {tuple.Targets.Length} names");
        for (int i = 0; i < items.Count; i++)
            Assign(tuple.Targets[i], items[i], scope);
    }
}
