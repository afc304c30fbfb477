namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>Reads a grammar in llama.cpp's GBNF: rules <c>name ::= …</c> of "literals", [classes], dots, (groups), other rules'
/// names, the counts * + ? {m,n}, alternatives with |, and comments from # to the line's end. The answer is a <c>root</c>.</summary>
internal sealed class GbnfReader
{
    private readonly SourceText _source;

    private GbnfReader(string grammar) => _source = new(grammar, "grammar");

    /// <exception cref="ConstraintException">It is malformed.</exception>
    public static Dictionary<string, Syntax> Read(string grammar)
    {
        GbnfReader reader = new(grammar);
        Dictionary<string, Syntax> rules = new(StringComparer.Ordinal);
        reader.Space(newLines: true);
        while (!reader._source.AtEnd)
        {
            string name = reader.Name();
            reader.Space(newLines: false);
            if (!reader._source.TryTake("::=")) throw reader._source.Fail($"has no '::=' after the rule name '{name}'");
            reader.Space(newLines: true);
            if (!rules.TryAdd(name, reader.Alternatives(nested: false))) throw reader._source.Fail($"has the rule '{name}' twice");
            if (!reader._source.AtEnd && reader._source.Peek is not ('\n' or '\r')) throw reader._source.Fail("has something else than a new line after a rule");
            reader.Space(newLines: true);
        }
        return rules;
    }

    private Syntax.Alternatives Alternatives(bool nested)
    {
        List<Syntax> items = [Series(nested)];
        while (_source.TryTake("|"))
        {
            Space(newLines: true);
            items.Add(Series(nested));
        }
        return new(items);
    }

    private Syntax.Series Series(bool nested)
    {
        List<Syntax> items = [];
        while (TryItem() is { } item)
        {
            items.Add(Counted(item));
            Space(newLines: nested);
        }
        return new(items);
    }

    private Syntax? TryItem()
    {
        switch (_source.Peek)
        {
            case '"':
                _source.Next();
                return Literal();
            case '[':
                _source.Next();
                return new Syntax.Character(Class());
            case '.':
                _source.Next();
                return new Syntax.Character(CodePointSet.Every);
            case '(':
                _source.Next();
                return _source.Within(Group);
            default:
                return IsName(_source.Peek) ? new Syntax.Reference(Name()) : null;
        }
    }

    private Syntax.Alternatives Group()
    {
        Space(newLines: true);
        Syntax.Alternatives inner = Alternatives(nested: true);
        return _source.TryTake(")") ? inner : throw _source.Fail("has a '(' without its ')'");
    }

    private Syntax Counted(Syntax item)
    {
        while (true)
        {
            if (_source.TryTake("*")) item = new Syntax.Repeated(item, 0, Expression.Unbounded);
            else if (_source.TryTake("+")) item = new Syntax.Repeated(item, 1, Expression.Unbounded);
            else if (_source.TryTake("?")) item = new Syntax.Repeated(item, 0, 1);
            else if (_source.TryTake("{")) item = Braces(item);
            else return item;
        }
    }

    private Syntax.Repeated Braces(Syntax item)
    {
        Space(newLines: false);
        int least = _source.TryNumber() ?? 0, most = least;
        Space(newLines: false);
        if (_source.TryTake(","))
        {
            Space(newLines: false);
            most = _source.TryNumber() ?? Expression.Unbounded;
            Space(newLines: false);
        }
        if (!_source.TryTake("}") || most < least) throw _source.Fail("has a count that is not {m}, {m,}, {,n} or {m,n}");
        return new(item, least, most);
    }

    private Syntax.Series Literal()
    {
        List<Syntax> characters = [];
        while (!_source.TryTake("\"")) characters.Add(new Syntax.Character(CodePointSet.Of(Character())));
        return new(characters);
    }

    private CodePointSet Class()
    {
        bool negated = _source.TryTake("^");
        List<(int, int)> ranges = [];
        while (!_source.TryTake("]"))
        {
            int first = Character(), last = first, start = _source.Position;
            if (_source.TryTake("-"))
            {
                if (_source.Peek == ']') _source.Position = start;
                else last = Character();
            }
            if (last < first) throw _source.Fail("has a range whose end lies before its beginning");
            ranges.Add((first, last));
        }
        return negated ? CodePointSet.Of(ranges).Complement() : CodePointSet.Of(ranges);
    }

    private int Character()
    {
        int next = _source.AtEnd ? '\n' : _source.Next();
        if (next is '\n' or '\r') throw _source.Fail("has a literal or class that does not end on its line");
        if (next != '\\') return next;
        int escaped = _source.Next();
        return escaped switch
        {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'x' => _source.Hexadecimal(2),
            'u' => _source.Hexadecimal(4),
            'U' => _source.Hexadecimal(8) is var wide and >= 0 and <= CodePointSet.Last ? wide : throw _source.Fail("has a \\U that is no character"),
            '"' or '\\' or '[' or ']' or '-' or '^' or '/' => escaped,
            _ => throw _source.Fail($"has the escape \\{char.ConvertFromUtf32(escaped)}, which is unknown"),
        };
    }

    private string Name()
    {
        int start = _source.Position;
        while (IsName(_source.Peek)) _source.Next();
        return _source.Position > start ? _source.Slice(start) : throw _source.Fail("has no rule name where one is expected");
    }

    private static bool IsName(int character) => character is >= 'a' and <= 'z' or >= 'A' and <= 'Z' or >= '0' and <= '9' or '-' or '_';

    private void Space(bool newLines)
    {
        while (_source.Peek is ' ' or '\t' or '#' || (newLines && _source.Peek is '\n' or '\r'))
        {
            if (_source.Next() != '#') continue;
            while (_source.Peek is not ('\n' or '\r' or -1)) _source.Next();
        }
    }
}
