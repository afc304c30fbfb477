namespace SmolCluster.Engine.Text.Templates;

/// <summary>A node of the parsed template: data only; <see cref="Interpreter"/> gives it meaning.</summary>
/// <param name="Position">Offset in the source where a fault of this node is shown.</param>
internal abstract record Node(int Position);

internal abstract record Expression(int Position) : Node(Position);

internal sealed record Literal(int Position, Value Value) : Expression(Position);

internal sealed record Name(int Position, string Identifier) : Expression(Position);

internal sealed record ListLiteral(int Position, Expression[] Items, bool IsTuple) : Expression(Position);

internal sealed record MapLiteral(int Position, (Expression Key, Expression Value)[] Entries) : Expression(Position);

/// <param name="Operator"><c>-</c>, <c>+</c> or <c>not</c>.</param>
internal sealed record Unary(int Position, string Operator, Expression Operand) : Expression(Position);

/// <param name="Operator">An arithmetic operator.</param>
internal sealed record Binary(int Position, string Operator, Expression Left, Expression Right) : Expression(Position);

/// <summary><c>a ~ b ~ c</c>.</summary>
internal sealed record Concatenation(int Position, Expression[] Parts) : Expression(Position);

/// <summary><c>and</c> and <c>or</c>: the value of the operand that decided.</summary>
internal sealed record Logical(int Position, bool IsAnd, Expression Left, Expression Right) : Expression(Position);

/// <summary><c>a &lt; b &lt;= c</c>: true if every link is.</summary>
internal sealed record Comparison(int Position, Expression First, (string Operator, Expression Operand)[] Links) : Expression(Position);

internal sealed record Conditional(int Position, Expression Test, Expression Then, Expression? Else) : Expression(Position);

/// <summary><c>a.b</c>: a method or attribute first, then an item.</summary>
internal sealed record AttributeAccess(int Position, Expression Target, string Name) : Expression(Position);

/// <summary><c>a[b]</c>: an item first, then an attribute.</summary>
internal sealed record Subscript(int Position, Expression Target, Expression Index) : Expression(Position);

internal sealed record Slice(int Position, Expression Target, Expression? Start, Expression? Stop, Expression? Step) : Expression(Position);

internal sealed record Call(int Position, Expression Callee, ArgumentList Arguments) : Expression(Position);

/// <param name="Target">Null for the first filter of a filter block.</param>
internal sealed record FilterCall(int Position, Expression? Target, string Name, ArgumentList Arguments) : Expression(Position);

internal sealed record TestCall(int Position, Expression Target, string Name, ArgumentList Arguments, bool IsNegated) : Expression(Position);

/// <param name="Positional">With <c>*</c> where the value's elements are meant.</param>
/// <param name="Named">Without a name for <c>**</c>.</param>
internal sealed record ArgumentList((Expression Value, bool IsSpread)[] Positional, (string? Name, Expression Value)[] Named)
{
    public static ArgumentList Empty { get; } = new([], []);
}
