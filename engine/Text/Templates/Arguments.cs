namespace SmolCluster.Engine.Text.Templates;

/// <summary>The arguments of one call.</summary>
internal sealed class Arguments(IReadOnlyList<Value> positional, IReadOnlyList<KeyValuePair<string, Value>> named)
{
    public static Arguments None { get; } = new([], []);

    public IReadOnlyList<Value> Positional => positional;

    public IReadOnlyList<KeyValuePair<string, Value>> Named => named;

    public Value? Find(string name)
    {
        foreach (KeyValuePair<string, Value> argument in named)
        {
            if (argument.Key == name)
                return argument.Value;
        }
        return null;
    }

    /// <summary>Without the first <paramref name="count"/> positional ones.</summary>
    public Arguments Skip(int count) => new([.. positional.Skip(count)], named);

    /// <summary>The values of the parameters in their order, null where none was given.</summary>
    /// <exception cref="TemplateFault">Too many, given twice, or of an unknown name.</exception>
    public Value?[] Bind(string callee, params ReadOnlySpan<string> parameters)
    {
        if (positional.Count > parameters.Length)
            throw new TemplateFault($"{callee} takes at most {parameters.Length} arguments, not {positional.Count}");
        var values = new Value?[parameters.Length];
        for (int i = 0; i < positional.Count; i++)
            values[i] = positional[i];
        foreach ((string name, Value value) in named)
        {
            int index = parameters.IndexOf(name);
            if (index < 0)
                throw new TemplateFault($"{callee} has no parameter '{name}'");
            if (values[index] is not null)
                throw new TemplateFault($"{callee} is given '{name}' twice");
            values[index] = value;
        }
        return values;
    }

    /// <summary>As <see cref="Bind"/>, with the first <paramref name="required"/> parameters given.</summary>
    public Value[] Require(string callee, int required, params ReadOnlySpan<string> parameters)
    {
        Value?[] values = Bind(callee, parameters);
        for (int i = 0; i < required; i++)
        {
            if (values[i] is null)
                throw new TemplateFault($"{callee} needs the argument '{parameters[i]}'");
        }
        return values!;
    }
}
