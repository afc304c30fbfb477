namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>A GBNF grammar as an expression. Refused are rules that are missing, that begin with themselves (whoever reads from
/// the left would never begin) and that have no end.</summary>
internal sealed class GbnfGrammar
{
    private const string Root = "root";

    private readonly Dictionary<string, Syntax> _syntax;
    private readonly Dictionary<string, Rule> _rules = new(StringComparer.Ordinal);
    private readonly TextEncoding _encoding;
    private readonly ExpressionPool _pool;

    private GbnfGrammar(Dictionary<string, Syntax> syntax, TextEncoding encoding)
    {
        (_syntax, _encoding, _pool) = (syntax, encoding, encoding.Pool);
        if (!syntax.ContainsKey(Root)) throw new ConstraintException($"The grammar has no rule '{Root}', with which an answer begins.");
        HashSet<string> nullable = Fixpoint(static (s, known) => Holds(s, known, static _ => false));
        HashSet<string> ending = Fixpoint(static (s, known) => Holds(s, known, static set => set.Ranges.Count > 0));
        if (syntax.Keys.FirstOrDefault(name => !ending.Contains(name)) is { } endless)
            throw new ConstraintException($"The grammar's rule '{endless}' has no end: each of its alternatives needs the rule itself, or matches nothing.");
        Dictionary<string, int> heights = Heights(nullable);
        foreach (string name in syntax.Keys)
            _rules[name] = new Rule(name) { Nullable = nullable.Contains(name), Height = heights[name] };
        foreach ((string name, Syntax body) in syntax) _rules[name].Body = Lower(body);
    }

    /// <exception cref="ConstraintException">It is malformed, or one of its rules is.</exception>
    public static Expression Compile(string grammar, TextEncoding encoding)
    {
        Dictionary<string, Syntax> syntax = GbnfReader.Read(grammar);
        foreach (string missing in syntax.Values.SelectMany(References).Where(name => !syntax.ContainsKey(name)))
            throw new ConstraintException($"The grammar has no rule '{missing}', but another rule names it.");
        return encoding.Pool.Reference(new GbnfGrammar(syntax, encoding)._rules[Root]);
    }

    private Expression Lower(Syntax syntax) => syntax switch
    {
        Syntax.Character { Set: var set } => _encoding.Character(set),
        Syntax.Series { Items: var items } => _pool.Sequence([.. items.Select(Lower)]),
        Syntax.Alternatives { Items: var items } => _pool.Choice(items.Select(Lower)),
        Syntax.Repeated { Item: var item, Least: var least, Most: var most } => _pool.Repeat(Lower(item), least, most),
        Syntax.Reference { Name: var name } => _pool.Reference(_rules[name]),
        _ => throw new ConstraintException("A grammar has no anchors."),
    };

    private static IEnumerable<string> References(Syntax syntax) => syntax switch
    {
        Syntax.Reference { Name: var name } => [name],
        Syntax.Series { Items: var items } => items.SelectMany(References),
        Syntax.Alternatives { Items: var items } => items.SelectMany(References),
        Syntax.Repeated { Item: var item } => References(item),
        _ => [],
    };

    /// <summary>The rules of which a thing holds that follows from its holding of others.</summary>
    private HashSet<string> Fixpoint(Func<Syntax, HashSet<string>, bool> holds)
    {
        HashSet<string> known = new(StringComparer.Ordinal);
        ILookup<string, string> users = _syntax.SelectMany(static rule => References(rule.Value).Select(used => (Used: used, User: rule.Key)))
            .ToLookup(static pair => pair.Used, static pair => pair.User);
        Queue<string> open = new(_syntax.Keys);
        while (open.TryDequeue(out string? name))
        {
            if (known.Contains(name) || !holds(_syntax[name], known)) continue;
            known.Add(name);
            foreach (string user in users[name]) open.Enqueue(user);
        }
        return known;
    }

    private static bool Holds(Syntax syntax, HashSet<string> known, Func<CodePointSet, bool> character) => syntax switch
    {
        Syntax.Character { Set: var set } => character(set),
        Syntax.Series { Items: var items } => items.All(item => Holds(item, known, character)),
        Syntax.Alternatives { Items: var items } => items.Any(item => Holds(item, known, character)),
        Syntax.Repeated { Item: var item, Least: var least } => least == 0 || Holds(item, known, character),
        Syntax.Reference { Name: var name } => known.Contains(name),
        _ => false,
    };

    /// <summary>How deep a step goes into a rule that begins with rules that begin with rules; walked with a stack of its own,
    /// since it may be deep.</summary>
    private Dictionary<string, int> Heights(HashSet<string> nullable)
    {
        Dictionary<string, int> heights = new(StringComparer.Ordinal);
        HashSet<string> open = new(StringComparer.Ordinal);
        Stack<(string Name, string[] Beginnings, int Next)> path = [];
        foreach (string start in _syntax.Keys) Enter(start);
        return heights;

        void Enter(string start)
        {
            Push(start);
            while (path.TryPop(out (string Name, string[] Beginnings, int Next) top))
            {
                if (top.Next < top.Beginnings.Length)
                {
                    path.Push(top with { Next = top.Next + 1 });
                    Push(top.Beginnings[top.Next]);
                    continue;
                }
                heights[top.Name] = Depth(_syntax[top.Name], nullable) + top.Beginnings.Select(name => heights[name]).DefaultIfEmpty().Max();
                open.Remove(top.Name);
            }
        }

        void Push(string name)
        {
            if (heights.ContainsKey(name)) return;
            if (!open.Add(name))
                throw new ConstraintException($"The grammar's rule '{name}' begins with itself (left recursion); write a repetition, or put the recursion last.");
            path.Push((name, [.. Beginnings(_syntax[name], nullable).Distinct()], 0));
        }
    }

    private static int Depth(Syntax syntax, HashSet<string> nullable) => syntax switch
    {
        Syntax.Series { Items: var items } => 1 + Nullables(items, nullable) + items.Select(item => Depth(item, nullable)).DefaultIfEmpty().Max(),
        Syntax.Alternatives { Items: var items } => 1 + items.Select(item => Depth(item, nullable)).DefaultIfEmpty().Max(),
        Syntax.Repeated { Item: var item } => 2 + Depth(item, nullable),
        _ => 4,
    };

    private static int Nullables(IReadOnlyList<Syntax> items, HashSet<string> nullable) =>
        items.TakeWhile(item => Holds(item, nullable, static _ => false)).Count();

    private static IEnumerable<string> Beginnings(Syntax syntax, HashSet<string> nullable) => syntax switch
    {
        Syntax.Reference { Name: var name } => [name],
        Syntax.Alternatives { Items: var items } => items.SelectMany(item => Beginnings(item, nullable)),
        Syntax.Repeated { Item: var item } => Beginnings(item, nullable),
        Syntax.Series { Items: var items } => items
            .Take(1 + Nullables(items, nullable))
            .SelectMany(item => Beginnings(item, nullable)),
        _ => [],
    };
}
