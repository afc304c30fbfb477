namespace SmolCluster.Engine.Sampling.Constraints.Json;

/// <summary>
/// A JSON schema as an expression: draft 2020-12, and what older drafts wrote otherwise. Properties come in the order in which
/// they are declared, then those that are not declared: a model writes them in some order in any case, and one order needs no
/// memory of what was there. Values with the same conditions share a rule, so recursion costs nothing.
/// </summary>
internal sealed class SchemaGrammar
{
    private readonly Dictionary<Conditions, Rule> _rules = [];
    private readonly Queue<Conditions> _open = [];
    private readonly JsonGrammar _json;
    private readonly ShapeReader _reader;

    private SchemaGrammar(JsonGrammar json, ShapeReader reader) => (_json, _reader) = (json, reader);

    /// <exception cref="ConstraintException">It is malformed, too large, or asks for what cannot be kept to; the path says where.</exception>
    public static Expression Compile(string schema, JsonGrammar json, Matcher matcher)
    {
        SchemaDocument document = SchemaDocument.Parse(schema);
        SchemaTexts texts = new(json, matcher);
        SchemaGrammar grammar = new(json, new ShapeReader(document, texts));
        ShapeGrammar shapes = new(json, matcher, texts, grammar._reader, grammar.Value);
        Expression root = grammar.Value(Conditions.Of(document.Root));
        while (grammar._open.TryDequeue(out Conditions? conditions)) grammar.Write(conditions, shapes);
        grammar.RequireEnds();
        return root;
    }

    /// <summary>A value under these conditions; Fail where there is none.</summary>
    private Expression Value(Conditions conditions)
    {
        if (conditions.Nodes.IsEmpty) return _json.AnyValue;
        if (_reader.Read(conditions).Count == 0) return _json.Pool.Fail;
        if (!_rules.TryGetValue(conditions, out Rule? rule))
        {
            _rules[conditions] = rule = new Rule(conditions.Nodes[0].Path);
            _open.Enqueue(conditions);
        }
        return _json.Pool.Reference(rule);
    }

    private void Write(Conditions conditions, ShapeGrammar shapes)
    {
        Rule rule = _rules[conditions];
        try
        {
            rule.Body = _json.Pool.Choice(_reader.Read(conditions).Select(shapes.Write));
        }
        catch (ConstraintException problem) when (problem.Path.Length == 0)
        {
            throw new ConstraintException(problem.Message, rule.Name);
        }
    }

    /// <summary>Recursion needs an end that a value can reach.</summary>
    private void RequireEnds()
    {
        HashSet<Rule> endless = [.. _rules.Values];
        Dictionary<Expression, bool> known = [];
        for (int before = endless.Count + 1; endless.Count < before;)
        {
            (before, known) = (endless.Count, []);
            foreach (Rule rule in endless.ToArray())
            {
                if (Ends(rule.Body, endless, known)) endless.Remove(rule);
            }
        }
        if (_rules.Values.FirstOrDefault(endless.Contains) is { } first)
            throw new ConstraintException("no JSON value can fulfil this: its conditions exclude each other, or it needs itself without end.", first.Name);
    }

    /// <summary>With a stack of its own: a long object is a deep expression.</summary>
    private static bool Ends(Expression root, HashSet<Rule> endless, Dictionary<Expression, bool> known)
    {
        Stack<Expression> open = new([root]);
        while (open.TryPeek(out Expression? at))
        {
            Expression[] parts = Needed(at);
            Expression[] missing = known.ContainsKey(at) ? [] : [.. parts.Where(part => !known.ContainsKey(part))];
            foreach (Expression part in missing) open.Push(part);
            if (missing.Length > 0) continue;
            open.Pop();
            known[at] = at.Kind switch
            {
                ExpressionKind.Fail => false,
                ExpressionKind.Choice => parts.Any(part => known[part]),
                ExpressionKind.Sequence => parts.All(part => known[part]),
                ExpressionKind.Repeat => at.Least == 0 || known[at.Head!],
                ExpressionKind.Rule => !endless.Contains(at.Rule!),
                _ => true,
            };
        }
        return known[root];
    }

    private static Expression[] Needed(Expression at) => at.Kind switch
    {
        ExpressionKind.Choice => at.Parts,
        ExpressionKind.Sequence => [at.Head!, at.Tail!],
        ExpressionKind.Repeat => [at.Head!],
        _ => [],
    };
}
