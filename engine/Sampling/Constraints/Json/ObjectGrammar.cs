using System.Collections.Immutable;

namespace SmolCluster.Engine.Sampling.Constraints.Json;

/// <summary>Objects: the declared properties in order, each once, with the required ones never left out; then others, whose names
/// are none of the declared.</summary>
internal sealed class ObjectGrammar(JsonGrammar json, Matcher matcher, SchemaTexts texts, ShapeReader reader, ShapeProofs proofs, Func<Conditions, Expression> value)
{
    private const int MostPatterns = 4;

    private ExpressionPool Pool => json.Pool;

    public Expression Write(Shape shape)
    {
        if (shape.MaxProperties < shape.MinProperties) return Pool.Fail;
        Property[] members = [.. Declared(shape)];
        if (System.Array.Exists(members, static m => m is { Required: true, Text.Kind: ExpressionKind.Fail })) return Pool.Fail;
        members = [.. members.Where(m => m.Text != Pool.Fail)];
        Expression other = Other(shape);
        if (members.Length == 0) return json.Object(other, shape.MinProperties, other == Pool.Fail ? 0 : shape.MaxProperties);
        RequireCountable(shape, members, other);
        bool mayBeEmpty = shape.MinProperties == 0 && !System.Array.Exists(members, static m => m.Required);
        return shape.MaxProperties == 0 ? (mayBeEmpty ? json.Braces(true, Pool.Fail) : Pool.Fail) : json.Braces(mayBeEmpty, Series(members, other));
    }

    /// <summary>One member or more. Built from the end: what may follow each is made once and shared.</summary>
    private Expression Series(Property[] members, Expression other)
    {
        Expression separator = Pool.Sequence(json.Comma, json.Space);
        Expression others = Pool.Repeat(Pool.Sequence(separator, other), 0, Expression.Unbounded);
        Expression first = Pool.Sequence(other, others);
        Expression[] after = new Expression[members.Length + 1]; // [written] what may follow
        after[^1] = others;
        bool mayEnd = true;
        for (int i = members.Length - 1; i >= 0; i--)
        {
            List<Expression> next = [];
            int j = i;
            for (; j < members.Length; j++)
            {
                next.Add(Pool.Sequence(members[j].Text, after[j + 1]));
                if (members[j].Required) break;
            }
            if (j == members.Length) next.Add(Pool.Sequence(other, others));
            first = Pool.Choice(next);
            mayEnd &= !members[i].Required;
            Expression more = Pool.Sequence(separator, first);
            after[i] = mayEnd ? Pool.Optional(more) : more;
        }
        return first;
    }

    private IEnumerable<Property> Declared(Shape shape)
    {
        IEnumerable<string> undeclared = shape.Required.Where(name => shape.Declared(name) is null).Order(StringComparer.Ordinal);
        foreach (string name in shape.Properties.Select(static p => p.Name).Concat(undeclared))
        {
            bool possible = !shape.Forbidden.Contains(name) && NameIsAllowed(shape, name);
            Expression text = possible ? json.Member(Pool.Literal(SchemaTexts.Literal(name)), value(proofs.Of(shape, name))) : Pool.Fail;
            yield return new(text, shape.Required.Contains(name));
        }
    }

    private bool NameIsAllowed(Shape shape, string name) =>
        shape.Names.Nodes.IsEmpty || matcher.Step(Names(shape), SchemaTexts.Contents(name)).Nullable;

    /// <summary>The contents of allowed names.</summary>
    private Expression Names(Shape shape) => Pool.Choice(reader.Read(shape.Names).Where(static n => n.Types.HasFlag(JsonTypes.String)).Select(n =>
        n.Values is null ? texts.Contents(n, n.Excluded.Where(static v => v.ValueKind == System.Text.Json.JsonValueKind.String).Select(static v => v.GetString()!))
            : texts.OneOf(n.Values.Where(static v => v.ValueKind == System.Text.Json.JsonValueKind.String).Select(v => SchemaTexts.Contents(v.GetString()!)))));

    /// <summary>A member that is not declared. For each set of patterns its name matches these and no others, and its value has
    /// the conditions of these.</summary>
    private Expression Other(Shape shape)
    {
        string[] declared = [.. shape.Properties.Select(static p => p.Name).Concat(shape.Required).Concat(shape.Forbidden)];
        ImmutableList<(Named Pattern, Conditions Conditions)> patterns = shape.PatternProperties;
        if (declared.Length == 0 && patterns.Count == 0 && shape.Names.Nodes.IsEmpty) return Member(json.AnyString, shape.Additional);
        if (patterns.Count > MostPatterns) throw patterns[0].Pattern.Where.NotSupported($"more than {MostPatterns} patternProperties for one object");
        List<Expression> members = [];
        for (int set = 0; set < 1 << patterns.Count; set++)
        {
            Conditions conditions = set == 0 ? shape.Additional
                : patterns.Where((_, i) => (set >> i & 1) != 0).Aggregate(Conditions.None, static (known, p) => known.And(p.Conditions));
            if (value(conditions) == Pool.Fail) continue;
            List<Expression> name = [texts.Except(declared)];
            if (!shape.Names.Nodes.IsEmpty) name.Add(Names(shape));
            for (int i = 0; i < patterns.Count; i++)
                name.Add((set >> i & 1) != 0 ? texts.Pattern(patterns[i].Pattern) : Pool.Not(texts.Pattern(patterns[i].Pattern)));
            members.Add(Member(json.Quoted(matcher.All(name)), conditions));
        }
        return Pool.Choice(members);
    }

    private Expression Member(Expression name, Conditions conditions) => json.Member(name, value(conditions));

    private void RequireCountable(Shape shape, Property[] members, Expression other)
    {
        int required = members.Count(static m => m.Required);
        if (shape.MinProperties > Math.Max(1, required))
            throw new ConstraintException("'minProperties' above 1 beside properties that may be left out is not supported; list them as required.");
        bool countless = other != Pool.Fail || members.Length > shape.MaxProperties;
        if (shape.MaxProperties != Expression.Unbounded && shape.MaxProperties > 0 && countless)
            throw new ConstraintException("'maxProperties' beside declared properties is not supported, unless so few are possible.");
    }

    private readonly record struct Property(Expression Text, bool Required);
}
