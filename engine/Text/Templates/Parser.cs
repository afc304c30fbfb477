namespace SmolCluster.Engine.Text.Templates;

/// <summary>Recursive descent over the tokens, with Jinja2's grammar and precedences. Words such as <c>if</c> and <c>in</c>
/// are keywords only where one is expected, so they may name variables. The depth of every recursion is counted.</summary>
internal sealed partial class Parser
{
    private readonly TemplateSource source;
    private readonly List<Token> tokens;
    private readonly HashSet<string> names = [];
    private int index;
    private int depth;
    private int loops;

    private Parser(TemplateSource source)
    {
        this.source = source;
        tokens = Lexer.Tokenize(source);
    }

    /// <exception cref="TemplateException">A syntax error or a limit, with line and column.</exception>
    public static Statement[] Parse(TemplateSource source)
    {
        var parser = new Parser(source);
        return parser.ParseBody(opener: null, []);
    }

    private Token Current => tokens[index];

    private Token Take() => tokens[index].Kind == TokenKind.End ? tokens[index] : tokens[index++];

    private bool IsOperator(string text) => Current.Is(TokenKind.Operator, text);

    private bool IsName(string text) => Current.Is(TokenKind.Name, text);

    private bool SkipOperator(string text) => Skip(IsOperator(text));

    private bool SkipName(string text) => Skip(IsName(text));

    private bool Skip(bool matches)
    {
        index += matches ? 1 : 0;
        return matches;
    }

    private void ExpectOperator(string text)
    {
        if (!SkipOperator(text))
            throw Unexpected($"'{text}'");
    }

    private string ExpectName(string what) => Current.Kind == TokenKind.Name ? Take().Text : throw Unexpected(what);

    private void Expect(TokenKind kind, string what)
    {
        if (Current.Kind != kind)
            throw Unexpected(what);
        index++;
    }

    private TemplateException Unexpected(string expected) =>
        source.Error(Current.Position, $"expected {expected} but found {Current.Describe()}");

    private void Enter()
    {
        if (++depth > TemplateLimits.ParseDepth)
            throw source.Error(Current.Position, $"nested more than {TemplateLimits.ParseDepth} levels deep");
    }

    private void Leave() => depth--;
}
