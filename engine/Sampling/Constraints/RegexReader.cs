namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>
/// Reads a regular expression as ECMA-262 (the language of JSON schema's patterns) writes it: alternatives, groups, counted and
/// lazy repetition (which match the same texts as greedy ones), classes, escapes, anchors and looking ahead. What says more than
/// which texts match, or what no finite automaton can do, is refused: back references, looking behind, word boundaries, \p.
/// </summary>
internal sealed class RegexReader
{
    private readonly SourceText _source;

    private RegexReader(string pattern) => _source = new(pattern, "regular expression");

    /// <exception cref="ConstraintException">It is malformed, too deep, or says what is not supported.</exception>
    public static Syntax Read(string pattern)
    {
        RegexReader reader = new(pattern);
        Syntax read = reader.Alternatives();
        return reader._source.AtEnd ? read : throw reader._source.Fail("has a ')' without its '('");
    }

    private Syntax Alternatives()
    {
        List<Syntax> items = [Series()];
        while (_source.TryTake("|")) items.Add(Series());
        return items.Count == 1 ? items[0] : new Syntax.Alternatives(items);
    }

    private Syntax.Series Series()
    {
        List<Syntax> items = [];
        while (!_source.AtEnd && _source.Peek is not ('|' or ')'))
            items.Add(Repeated(Item()));
        return new(items);
    }

    private Syntax Repeated(Syntax item)
    {
        while (TryCount(out int least, out int most))
        {
            if (item is Syntax.Anchor or Syntax.Lookahead) throw _source.Fail("repeats an anchor or a look ahead");
            item = new Syntax.Repeated(item, least, most);
            if (_source.TryTake("+")) throw _source.Fail("has a possessive quantifier, which is not supported");
            _source.TryTake("?"); // lazy: the same texts match
        }
        return item;
    }

    private bool TryCount(out int least, out int most)
    {
        (least, most) = (0, Expression.Unbounded);
        if (_source.TryTake("*")) return true;
        if (_source.TryTake("+")) return (least = 1) == 1;
        if (_source.TryTake("?")) return (most = 1) == 1;
        int start = _source.Position;
        if (!_source.TryTake("{")) return false;
        if (_source.TryNumber() is { } first)
        {
            least = most = first;
            if (_source.TryTake(",")) most = _source.TryNumber() ?? Expression.Unbounded;
            if (_source.TryTake("}"))
                return most >= least ? true : throw _source.Fail($"repeats from {least} to {most} times");
        }
        _source.Position = start;
        return false;
    }

    private Syntax Item()
    {
        int next = _source.Next();
        return next switch
        {
            '(' => _source.Within(Group),
            '[' => new Syntax.Character(Class()),
            '.' => new Syntax.Character(CodePointSet.WithinLine),
            '^' => new Syntax.Anchor(AtEnd: false),
            '$' => new Syntax.Anchor(AtEnd: true),
            '\\' => new Syntax.Character(Escape(inClass: false)),
            '*' or '+' or '?' => throw _source.Fail($"repeats nothing with '{(char)next}'"),
            _ => new Syntax.Character(CodePointSet.Of(next)),
        };
    }

    private Syntax Group()
    {
        bool looksAhead = _source.TryTake("?="), negative = !looksAhead && _source.TryTake("?!");
        if (!looksAhead && !negative && !_source.TryTake("?:") && _source.TryTake("?"))
        {
            bool named = !_source.TryTake("<=") && !_source.TryTake("<!") && (_source.TryTake("P<") || _source.TryTake("<"));
            if (!named) throw _source.Fail("has a group that looks behind or sets options, which is not supported");
            while (_source.Next() != '>') { }
        }
        Syntax inner = Alternatives();
        if (!_source.TryTake(")")) throw _source.Fail("has a '(' without its ')'");
        return looksAhead || negative ? new Syntax.Lookahead(inner, negative) : inner;
    }

    private CodePointSet Class()
    {
        bool negated = _source.TryTake("^");
        CodePointSet set = CodePointSet.Of();
        while (!_source.TryTake("]"))
        {
            CodePointSet first = ClassItem();
            int start = _source.Position;
            if (_source.TryTake("-") && _source.Peek is not (']' or -1) && Single(first) is { } from && Single(ClassItem()) is { } to)
            {
                if (to < from) throw _source.Fail("has a range whose end lies before its beginning");
                first = CodePointSet.Of((from, to));
            }
            else
            {
                _source.Position = start;
            }
            set = set.Union(first);
        }
        return negated ? set.Complement() : set;
    }

    private CodePointSet ClassItem() => _source.Next() is var next and not '\\' ? CodePointSet.Of(next) : Escape(inClass: true);

    private static int? Single(CodePointSet set) => set.Ranges is [var (first, last)] && first == last ? first : null;

    private CodePointSet Escape(bool inClass)
    {
        int next = _source.Next();
        return next switch
        {
            'd' => CodePointSet.Digits,
            'D' => CodePointSet.Digits.Complement(),
            'w' => CodePointSet.Word,
            'W' => CodePointSet.Word.Complement(),
            's' => CodePointSet.Space,
            'S' => CodePointSet.Space.Complement(),
            'n' => CodePointSet.Of('\n'),
            'r' => CodePointSet.Of('\r'),
            't' => CodePointSet.Of('\t'),
            'v' => CodePointSet.Of('\v'),
            'f' => CodePointSet.Of('\f'),
            '0' when _source.Peek is not (>= '0' and <= '9') => CodePointSet.Of(0),
            'b' when inClass => CodePointSet.Of('\b'),
            'x' => CodePointSet.Of(_source.Hexadecimal(2)),
            'u' => CodePointSet.Of(Unicode()),
            >= '0' and <= '9' or 'k' => throw _source.Fail("refers back to a group, which is not supported"),
            'b' or 'B' => throw _source.Fail("asks for a word boundary, which is not supported"),
            'p' or 'P' => throw _source.Fail("has a class of characters by property (\\p), which is not supported; list the ranges"),
            >= 'a' and <= 'z' or >= 'A' and <= 'Z' => throw _source.Fail($"has the escape \\{(char)next}, which is unknown"),
            _ => CodePointSet.Of(next),
        };
    }

    private int Unicode()
    {
        if (!_source.TryTake("{"))
        {
            int unit = _source.Hexadecimal(4);
            if (unit is < 0xD800 or > 0xDBFF || !_source.TryTake("\\u")) return unit;
            return char.ConvertToUtf32((char)unit, (char)_source.Hexadecimal(4));
        }
        int start = _source.Position;
        while (_source.Peek is not ('}' or -1)) _source.Next();
        bool known = int.TryParse(_source.Slice(start), System.Globalization.NumberStyles.AllowHexSpecifier, null, out int value)
            && value is >= 0 and <= CodePointSet.Last && _source.TryTake("}");
        return known ? value : throw _source.Fail("has a \\u{…} that is no character");
    }
}
