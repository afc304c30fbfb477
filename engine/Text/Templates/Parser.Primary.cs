using System.Globalization;
using System.Numerics;
using System.Text;

namespace SmolCluster.Engine.Text.Templates;

internal sealed partial class Parser
{
    /// <summary>Words that end a test without parentheses: <c>x is defined and y</c>.</summary>
    private static readonly string[] NotATestArgument = ["else", "or", "and", "if", "in", "not", "is", "recursive"];

    private Expression ParsePrimary()
    {
        Token token = Take();
        return token.Kind switch
        {
            TokenKind.Name => ParseName(token),
            TokenKind.Text => ParseTextLiteral(token),
            TokenKind.Integer => new Literal(token.Position, ParseInteger(token)),
            TokenKind.Float => new Literal(token.Position, new FloatValue(double.Parse(token.Text, NumberStyles.Float, CultureInfo.InvariantCulture))),
            TokenKind.Operator when token.Text is "(" => ParseParentheses(token),
            TokenKind.Operator when token.Text is "[" => ParseListLiteral(token),
            TokenKind.Operator when token.Text is "{" => ParseMapLiteral(token),
            _ => throw source.Error(token.Position, $"expected a value but found {token.Describe()}"),
        };
    }

    private Expression ParseName(Token token)
    {
        names.Add(token.Text);
        return token.Text switch
        {
            "true" or "True" => new Literal(token.Position, BooleanValue.True),
            "false" or "False" => new Literal(token.Position, BooleanValue.False),
            "none" or "None" => new Literal(token.Position, NoneValue.Instance),
            _ => new Name(token.Position, token.Text),
        };
    }

    private Literal ParseTextLiteral(Token token)
    {
        if (Current.Kind != TokenKind.Text)
            return new Literal(token.Position, new TextValue(token.Text, isScaffold: true));
        var joined = new StringBuilder(token.Text);
        while (Current.Kind == TokenKind.Text)
            joined.Append(Take().Text);
        return new Literal(token.Position, new TextValue(joined.ToString(), isScaffold: true));
    }

    private IntegerValue ParseInteger(Token token)
    {
        if (token.Text.Length > TemplateLimits.IntegerBits * 3 / 10)
            throw source.Error(token.Position, "this number is too large");
        return new IntegerValue(BigInteger.Parse(token.Text, NumberStyles.None, CultureInfo.InvariantCulture));
    }

    private Expression ParseParentheses(Token open)
    {
        if (SkipOperator(")"))
            return new ListLiteral(open.Position, [], IsTuple: true);
        Expression value = ParseTuple();
        ExpectOperator(")");
        return value;
    }

    private ListLiteral ParseListLiteral(Token open)
    {
        var items = new List<Expression>();
        while (!IsOperator("]"))
        {
            if (items.Count > 0)
                ExpectOperator(",");
            if (!IsOperator("]"))
                items.Add(ParseExpression());
        }
        Take();
        return new ListLiteral(open.Position, [.. items], IsTuple: false);
    }

    private MapLiteral ParseMapLiteral(Token open)
    {
        var entries = new List<(Expression, Expression)>();
        while (!IsOperator("}"))
        {
            if (entries.Count > 0)
                ExpectOperator(",");
            if (IsOperator("}"))
                break;
            Expression key = ParseExpression();
            ExpectOperator(":");
            entries.Add((key, ParseExpression()));
        }
        Take();
        return new MapLiteral(open.Position, [.. entries]);
    }

    private Expression ParsePostfix(Expression value)
    {
        while (Current.Kind == TokenKind.Operator)
        {
            if (IsOperator("."))
                value = ParseAttribute(value);
            else if (IsOperator("["))
                value = ParseSubscript(value);
            else if (IsOperator("("))
                value = new Call(Current.Position, value, ParseArguments());
            else
                break;
        }
        return value;
    }

    private Expression ParseAttribute(Expression target)
    {
        Take();
        Token name = Take();
        return name.Kind switch
        {
            TokenKind.Name => new AttributeAccess(name.Position, target, name.Text),
            TokenKind.Integer => new Subscript(name.Position, target, new Literal(name.Position, ParseInteger(name))),
            _ => throw source.Error(name.Position, $"expected an attribute's name after '.' but found {name.Describe()}"),
        };
    }

    private Expression ParseSubscript(Expression target)
    {
        int position = Take().Position;
        Expression? start = IsOperator(":") ? null : ParseTuple();
        if (!SkipOperator(":"))
        {
            ExpectOperator("]");
            return new Subscript(position, target, start!);
        }
        Expression? stop = IsOperator(":") || IsOperator("]") ? null : ParseExpression();
        Expression? step = SkipOperator(":") && !IsOperator("]") ? ParseExpression() : null;
        ExpectOperator("]");
        return new Slice(position, target, start, stop, step);
    }

    private Expression ParseFiltersAndTests(Expression value)
    {
        while (true)
        {
            if (SkipOperator("|"))
                value = ParseFilter(value);
            else if (SkipName("is"))
                value = ParseTest(value);
            else if (IsOperator("("))
                value = new Call(Current.Position, value, ParseArguments());
            else
                return value;
        }
    }

    private FilterCall ParseFilter(Expression? target)
    {
        int position = Current.Position;
        string name = ExpectName("a filter's name");
        return new FilterCall(position, target, name, IsOperator("(") ? ParseArguments() : ArgumentList.Empty);
    }

    private TestCall ParseTest(Expression target)
    {
        bool isNegated = SkipName("not");
        int position = Current.Position;
        string name = ExpectName("a test's name");
        ArgumentList arguments = IsOperator("(") ? ParseArguments() : ArgumentList.Empty;
        if (ArgumentList.Empty == arguments && AtTestArgument())
            arguments = new ArgumentList([(ParsePostfix(ParsePrimary()), false)], []);
        return new TestCall(position, target, name, arguments, isNegated);
    }

    private bool AtTestArgument() => Current.Kind switch
    {
        TokenKind.Name => !NotATestArgument.Contains(Current.Text),
        TokenKind.Text or TokenKind.Integer or TokenKind.Float => true,
        _ => IsOperator("[") || IsOperator("{"),
    };
}
