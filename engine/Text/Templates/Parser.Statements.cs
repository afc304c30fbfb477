namespace SmolCluster.Engine.Text.Templates;

internal sealed partial class Parser
{
    /// <summary>Statements up to a block named in <paramref name="ends"/>, whose name is left as the current token.</summary>
    private Statement[] ParseBody(Token? opener, string[] ends)
    {
        Enter();
        var body = new List<Statement>();
        while (!AtBodyEnd(opener, ends))
            body.Add(ParseStatement());
        Leave();
        return [.. body];
    }

    private bool AtBodyEnd(Token? opener, string[] ends)
    {
        if (Current.Kind == TokenKind.End)
            return opener is null ? true : throw source.Error(opener.Value.Position, $"'{opener.Value.Text}' is never closed; expected '{ends[^1]}'");
        if (Current.Kind != TokenKind.BlockBegin || tokens[index + 1].Kind != TokenKind.Name || !ends.Contains(tokens[index + 1].Text))
            return false;
        index++;
        return true;
    }

    private Statement ParseStatement()
    {
        Token token = Take();
        switch (token.Kind)
        {
            case TokenKind.Data:
                return new Data(token.Position, new TextValue(token.Text, isScaffold: true));
            case TokenKind.OutputBegin:
                Expression value = ParseTuple();
                Expect(TokenKind.OutputEnd, "an operator or '}}'");
                return new Output(value.Position, value);
            default:
                return ParseBlock();
        }
    }

    private Statement ParseBlock()
    {
        if (Current.Kind != TokenKind.Name)
            throw Unexpected("a block's name");
        Token tag = Take();
        return tag.Text switch
        {
            "if" => ParseIf(tag),
            "for" => ParseFor(tag),
            "set" => ParseSet(tag),
            "macro" => ParseMacro(tag),
            "call" => ParseCallBlock(tag),
            "filter" => ParseFilterBlock(tag),
            "with" => ParseWith(tag),
            "generation" => ParseGeneration(tag),
            "break" or "continue" => ParseLoopControl(tag),
            _ => throw source.Error(tag.Position, $"'{tag.Text}' is no block that a chat template may use here"),
        };
    }

    private void EndBlock() => Expect(TokenKind.BlockEnd, "'%}'");

    private Statement[] ParseBlockBody(Token tag, string end)
    {
        EndBlock();
        Statement[] body = ParseBody(tag, [end]);
        Take();
        // Jinja allows the name again: endmacro name
        if (end == "endmacro" && Current.Kind == TokenKind.Name)
            Take();
        EndBlock();
        return body;
    }

    private If ParseIf(Token tag)
    {
        var branches = new List<(Expression, Statement[])>();
        Statement[] otherwise = [];
        string word = tag.Text;
        while (word is "if" or "elif")
        {
            Expression test = ParseTuple(withConditional: true);
            EndBlock();
            branches.Add((test, ParseBody(tag, ["elif", "else", "endif"])));
            word = Take().Text;
        }
        if (word == "else")
        {
            EndBlock();
            otherwise = ParseBody(tag, ["endif"]);
            Take();
        }
        EndBlock();
        return new If(tag.Position, [.. branches], otherwise);
    }

    private For ParseFor(Token tag)
    {
        AssignmentTarget target = ParseTarget();
        if (!SkipName("in"))
            throw Unexpected("'in'");
        Expression items = ParseTuple(withConditional: false);
        Expression? filter = SkipName("if") ? ParseExpression() : null;
        bool isRecursive = SkipName("recursive");
        EndBlock();
        loops++;
        Statement[] body = ParseBody(tag, ["else", "endfor"]);
        loops--;
        Statement[] otherwise = [];
        if (Take().Text == "else")
        {
            EndBlock();
            otherwise = ParseBody(tag, ["endfor"]);
            Take();
        }
        EndBlock();
        return new For(tag.Position, target, items, filter, body, otherwise, isRecursive);
    }

    private Statement ParseSet(Token tag)
    {
        AssignmentTarget target = ParseTarget();
        if (SkipOperator("="))
        {
            Expression value = ParseTuple();
            EndBlock();
            return new Set(tag.Position, target, value);
        }
        FilterCall[] filters = IsOperator("|") ? ParseFilters() : [];
        return new SetBlock(tag.Position, target, filters, ParseBlockBody(tag, "endset"));
    }

    private FilterBlock ParseFilterBlock(Token tag)
    {
        var filters = new List<FilterCall> { ParseFilter(null) };
        if (IsOperator("|"))
            filters.AddRange(ParseFilters());
        return new FilterBlock(tag.Position, [.. filters], ParseBlockBody(tag, "endfilter"));
    }

    private FilterCall[] ParseFilters()
    {
        var filters = new List<FilterCall>();
        while (SkipOperator("|"))
            filters.Add(ParseFilter(null));
        return [.. filters];
    }

    private Scoped ParseWith(Token tag)
    {
        var assignments = new List<(AssignmentTarget, Expression)>();
        while (Current.Kind != TokenKind.BlockEnd)
        {
            if (assignments.Count > 0)
                ExpectOperator(",");
            AssignmentTarget target = ParseTarget();
            ExpectOperator("=");
            assignments.Add((target, ParseExpression()));
        }
        return new Scoped(tag.Position, [.. assignments], ParseBlockBody(tag, "endwith"));
    }

    /// <summary>Marks the assistant's text for training; renders its body.</summary>
    private Scoped ParseGeneration(Token tag) => new(tag.Position, [], ParseBlockBody(tag, "endgeneration"));

    private LoopControl ParseLoopControl(Token tag)
    {
        if (loops == 0)
            throw source.Error(tag.Position, $"'{tag.Text}' stands outside a loop");
        EndBlock();
        return new LoopControl(tag.Position, tag.Text == "break" ? Flow.Break : Flow.Continue);
    }

    private AssignmentTarget ParseTarget()
    {
        int position = Current.Position;
        AssignmentTarget first = ParseSingleTarget();
        if (!IsOperator(","))
            return first;
        var targets = new List<AssignmentTarget> { first };
        while (SkipOperator(","))
        {
            if (Current.Kind != TokenKind.Name && !IsOperator("("))
                break;
            targets.Add(ParseSingleTarget());
        }
        return new TupleTarget(position, [.. targets]);
    }

    private AssignmentTarget ParseSingleTarget()
    {
        int position = Current.Position;
        if (SkipOperator("("))
        {
            Enter();
            AssignmentTarget inner = ParseTarget();
            ExpectOperator(")");
            Leave();
            return inner;
        }
        string name = ExpectName("a name to assign to");
        return SkipOperator(".")
            ? new NamespaceTarget(position, name, ExpectName("an attribute's name"))
            : new NameTarget(position, name);
    }
}
