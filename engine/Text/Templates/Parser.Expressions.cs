namespace SmolCluster.Engine.Text.Templates;

internal sealed partial class Parser
{
    private static readonly string[] ComparisonOperators = ["==", "!=", "<=", ">=", "<", ">"];

    private Expression ParseExpression() => ParseConditional();

    /// <summary>One expression, or a tuple where commas follow.</summary>
    private Expression ParseTuple(bool withConditional = true)
    {
        int position = Current.Position;
        Expression first = withConditional ? ParseConditional() : ParseOr();
        if (!IsOperator(","))
            return first;
        var items = new List<Expression> { first };
        while (SkipOperator(","))
        {
            if (AtTupleEnd())
                break;
            items.Add(withConditional ? ParseConditional() : ParseOr());
        }
        return new ListLiteral(position, [.. items], IsTuple: true);
    }

    private bool AtTupleEnd() =>
        Current.Kind is TokenKind.OutputEnd or TokenKind.BlockEnd or TokenKind.End || IsOperator(")") || IsOperator("]");

    private Expression ParseConditional()
    {
        Enter();
        Expression value = ParseOr();
        while (IsName("if"))
        {
            int position = Take().Position;
            Expression test = ParseOr();
            Expression? otherwise = SkipName("else") ? ParseConditional() : null;
            value = new Conditional(position, test, value, otherwise);
        }
        Leave();
        return value;
    }

    private Expression ParseOr()
    {
        Expression left = ParseAnd();
        while (IsName("or"))
            left = new Logical(Take().Position, IsAnd: false, left, ParseAnd());
        return left;
    }

    private Expression ParseAnd()
    {
        Expression left = ParseNot();
        while (IsName("and"))
            left = new Logical(Take().Position, IsAnd: true, left, ParseNot());
        return left;
    }

    private Expression ParseNot()
    {
        if (!IsName("not"))
            return ParseComparison();
        Enter();
        int position = Take().Position;
        Expression operand = ParseNot();
        Leave();
        return new Unary(position, "not", operand);
    }

    private Expression ParseComparison()
    {
        Expression first = ParseSum();
        var links = new List<(string, Expression)>();
        int position = Current.Position;
        while (TakeComparison() is { } comparison)
            links.Add((comparison, ParseSum()));
        return links.Count == 0 ? first : new Comparison(position, first, [.. links]);
    }

    private string? TakeComparison()
    {
        if (Current.Kind == TokenKind.Operator && ComparisonOperators.Contains(Current.Text))
            return Take().Text;
        if (SkipName("in"))
            return "in";
        if (!IsName("not") || !tokens[index + 1].Is(TokenKind.Name, "in"))
            return null;
        index += 2;
        return "not in";
    }

    private Expression ParseSum()
    {
        Expression left = ParseConcatenation();
        while (IsOperator("+") || IsOperator("-"))
        {
            Token op = Take();
            left = new Binary(op.Position, op.Text, left, ParseConcatenation());
        }
        return left;
    }

    private Expression ParseConcatenation()
    {
        Expression first = ParseProduct();
        if (!IsOperator("~"))
            return first;
        int position = Current.Position;
        var parts = new List<Expression> { first };
        while (SkipOperator("~"))
            parts.Add(ParseProduct());
        return new Concatenation(position, [.. parts]);
    }

    private Expression ParseProduct()
    {
        Expression left = ParsePower();
        while (IsOperator("*") || IsOperator("/") || IsOperator("//") || IsOperator("%"))
        {
            Token op = Take();
            left = new Binary(op.Position, op.Text, left, ParsePower());
        }
        return left;
    }

    private Expression ParsePower()
    {
        // from left to right, as Jinja2 has it, not as Python does
        Expression left = ParseUnary();
        while (IsOperator("**"))
            left = new Binary(Take().Position, "**", left, ParseUnary());
        return left;
    }

    private Expression ParseUnary(bool withFilters = true)
    {
        Enter();
        Token token = Current;
        Expression value = token.Kind == TokenKind.Operator && token.Text is "-" or "+"
            ? new Unary(Take().Position, token.Text, ParseUnary(withFilters: false))
            : ParsePrimary();
        value = ParsePostfix(value);
        if (withFilters)
            value = ParseFiltersAndTests(value);
        Leave();
        return value;
    }
}
