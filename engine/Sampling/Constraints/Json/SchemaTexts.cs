using System.Text;
using System.Text.Json;

namespace SmolCluster.Engine.Sampling.Constraints.Json;

/// <summary>The strings that a schema speaks of, as expressions: what patterns, formats, lengths and exclusions leave over.</summary>
internal sealed class SchemaTexts(JsonGrammar json, Matcher matcher)
{
    private readonly Dictionary<string, Expression> _patterns = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Expression> _formats = new(StringComparer.Ordinal);

    private ExpressionPool Pool => json.Pool;

    private Expression Canonical => json.Encoding.Character(CodePointSet.Every);

    /// <summary>The contents of strings in which the pattern is found.</summary>
    public Expression Pattern(Named pattern)
    {
        if (_patterns.TryGetValue(pattern.Text, out Expression? known)) return known;
        try
        {
            return _patterns[pattern.Text] = new RegexGrammar(matcher, json.Encoding).Found(RegexReader.Read(pattern.Text));
        }
        catch (ConstraintException problem) when (problem.Path.Length == 0)
        {
            throw new ConstraintException(problem.Message, pattern.Where.Path);
        }
    }

    public bool Matches(Named pattern, string text) => matcher.Step(Pattern(pattern), Contents(text)).Nullable;

    /// <summary>A string, quotes included, that fulfils all that the shape says of strings.</summary>
    public Expression String(Shape shape)
    {
        string[] excluded = [.. shape.Excluded.Where(static v => v.ValueKind == JsonValueKind.String).Select(static v => v.GetString()!)];
        if (shape.Patterns.Count == 0 && shape.Formats.Count == 0 && excluded.Length == 0)
            return shape.MaxLength < shape.MinLength ? Pool.Fail : json.Quoted(Pool.Repeat(json.Character, shape.MinLength, shape.MaxLength));
        return json.Quoted(Contents(shape, excluded));
    }

    /// <summary>The contents of such a string, each character in its one spelling.</summary>
    /// <param name="excluded">What it is not.</param>
    public Expression Contents(Shape shape, IEnumerable<string> excluded)
    {
        if (shape.MaxLength < shape.MinLength) return Pool.Fail;
        List<Expression> parts = [.. shape.Patterns.Select(Pattern), .. shape.Formats.Select(f => Format(f.Text))];
        string[] others = [.. excluded];
        if (others.Length > 0) parts.Add(Except(others));
        bool measured = shape.MinLength > 0 || shape.MaxLength != Expression.Unbounded;
        if (measured || parts.Count == 0) parts.Add(Pool.Repeat(Canonical, shape.MinLength, shape.MaxLength));
        try
        {
            return matcher.All(parts);
        }
        catch (ConstraintException problem) when (problem.Path.Length == 0 && shape.Patterns.Concat(shape.Formats).FirstOrDefault() is { Where: { } where })
        {
            throw new ConstraintException(problem.Message, where.Path);
        }
    }

    /// <summary>Contents of strings that are none of these.</summary>
    public Expression Except(IEnumerable<string> texts) =>
        Except([.. texts.Distinct(StringComparer.Ordinal).Select(static t => t.EnumerateRunes().Select(static r => r.Value).ToArray())], 0);

    /// <summary>One of these byte strings, with what they have in common written once.</summary>
    public Expression OneOf(IEnumerable<byte[]> texts)
    {
        byte[][] sorted = [.. texts];
        Array.Sort(sorted, static (a, b) => a.AsSpan().SequenceCompareTo(b));
        return OneOf(sorted, 0, 0);
    }

    /// <summary>The string in its one spelling, with its quotes.</summary>
    public static byte[] Literal(string text) => [(byte)'"', .. Contents(text), (byte)'"'];

    private Expression OneOf(ReadOnlySpan<byte[]> sorted, int from, int depth)
    {
        if (sorted.IsEmpty) return Pool.Fail;
        if (depth > ConstraintLimits.Height) throw new ConstraintException($"More than {ConstraintLimits.Height} of the values are beginnings of each other.");
        int common = sorted[0].AsSpan(from).CommonPrefixLength(sorted[^1].AsSpan(from));
        int at = from + common;
        List<Expression> parts = [];
        if (sorted[0].Length == at) parts.Add(Pool.Empty);
        for (int start = 0; start < sorted.Length;)
        {
            int end = start + 1;
            if (sorted[start].Length > at)
            {
                while (end < sorted.Length && sorted[end][at] == sorted[start][at]) end++;
                parts.Add(end - start == 1 ? Pool.Literal(sorted[start].AsSpan(at)) : OneOf(sorted[start..end], at, depth + 1));
            }
            start = end;
        }
        return Pool.Sequence(Pool.Literal(sorted[0].AsSpan(from, common)), Pool.Choice(parts));
    }

    private Expression Except(IReadOnlyList<int[]> texts, int from)
    {
        if (from > ConstraintLimits.Height) throw new ConstraintException($"A name or an excluded value has more than {ConstraintLimits.Height} characters.");
        Expression any = Pool.Repeat(Canonical, 0, Expression.Unbounded);
        ILookup<int, int[]> next = texts.Where(t => t.Length > from).ToLookup(t => t[from]);
        List<Expression> parts = [.. next.Select(group => Pool.Sequence(json.Encoding.Character(CodePointSet.Of(group.Key)), Except([.. group], from + 1)))];
        CodePointSet others = CodePointSet.Of(next.Select(static group => (group.Key, group.Key))).Complement();
        parts.Add(Pool.Sequence(json.Encoding.Character(others), any));
        if (texts.All(t => t.Length != from)) parts.Add(Pool.Empty);
        return Pool.Choice(parts);
    }

    private Expression Format(string name)
    {
        if (!_formats.TryGetValue(name, out Expression? known))
            _formats[name] = known = new RegexGrammar(matcher, json.Encoding).Whole(RegexReader.Read(JsonFormats.Patterns[name]));
        return known;
    }

    /// <summary>The same without quotes.</summary>
    public static byte[] Contents(string text)
    {
        StringBuilder written = new();
        foreach (char c in text)
        {
            written.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\b' => "\\b",
                '\f' => "\\f",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                < ' ' => $"\\u{(int)c:x4}",
                _ => c.ToString(),
            });
        }
        return Encoding.UTF8.GetBytes(written.ToString());
    }
}
