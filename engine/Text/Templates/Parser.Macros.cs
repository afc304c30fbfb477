namespace SmolCluster.Engine.Text.Templates;

internal sealed partial class Parser
{
    private MacroDefinition ParseMacro(Token tag)
    {
        string name = ExpectName("the macro's name");
        (string, Expression?)[] parameters = ParseParameters();
        (Statement[] body, MacroSignature signature) = ParseMacroBody(tag, parameters, "endmacro");
        return new MacroDefinition(tag.Position, name, signature, body);
    }

    private CallBlock ParseCallBlock(Token tag)
    {
        (string, Expression?)[] parameters = IsOperator("(") ? ParseParameters() : [];
        if (ParseUnary() is not Call call)
            throw source.Error(tag.Position, "a call block needs a macro call: {% call name(arguments) %}");
        (Statement[] body, MacroSignature signature) = ParseMacroBody(tag, parameters, "endcall");
        return new CallBlock(tag.Position, signature, call, body);
    }

    private (Statement[] Body, MacroSignature Signature) ParseMacroBody(Token tag, (string, Expression?)[] parameters, string end)
    {
        // a macro takes surplus arguments only if its body asks for them, so the names used in it are watched
        string[] outerNames = [.. names];
        int outerLoops = loops;
        names.Clear();
        loops = 0;
        Statement[] body = ParseBlockBody(tag, end);
        var signature = new MacroSignature(parameters, names.Contains("varargs"), names.Contains("kwargs"));
        loops = outerLoops;
        names.UnionWith(outerNames);
        return (body, signature);
    }

    private (string Name, Expression? Default)[] ParseParameters()
    {
        ExpectOperator("(");
        var parameters = new List<(string, Expression?)>();
        while (!IsOperator(")"))
        {
            if (parameters.Count > 0)
                ExpectOperator(",");
            if (IsOperator(")"))
                break;
            string name = ExpectName("a parameter's name");
            parameters.Add((name, SkipOperator("=") ? ParseExpression() : null));
        }
        ExpectOperator(")");
        return [.. parameters];
    }

    private ArgumentList ParseArguments()
    {
        ExpectOperator("(");
        Enter();
        var positional = new List<(Expression, bool)>();
        var named = new List<(string?, Expression)>();
        while (!IsOperator(")"))
        {
            if (positional.Count + named.Count > 0)
                ExpectOperator(",");
            if (IsOperator(")"))
                break;
            ParseArgument(positional, named);
        }
        ExpectOperator(")");
        Leave();
        return new ArgumentList([.. positional], [.. named]);
    }

    private void ParseArgument(List<(Expression, bool)> positional, List<(string?, Expression)> named)
    {
        if (SkipOperator("**"))
            named.Add((null, ParseExpression()));
        else if (SkipOperator("*"))
            positional.Add((ParseExpression(), true));
        else if (Current.Kind == TokenKind.Name && tokens[index + 1].Is(TokenKind.Operator, "="))
        {
            string name = Take().Text;
            Take();
            named.Add((name, ParseExpression()));
        }
        else if (named.Count > 0)
            throw Unexpected("a named argument, as one came before");
        else
            positional.Add((ParseExpression(), false));
    }
}
